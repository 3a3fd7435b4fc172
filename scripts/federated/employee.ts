/** A row of the directory. */
export interface Employee {
  readonly id: string;
  readonly name: string;
  readonly department: string;
  /** The employee's sub-user, if any. */
  readonly camUin?: string;
}

/** Employees, some with a sub-user of the emulator. CAM no longer has Peggy's user. */
export const EMPLOYEES: readonly Employee[] = [
  { id: "1001", name: "Alice Anders", department: "Operations", camUin: "100021969091" },
  { id: "1002", name: "Bob Bauer", department: "Operations", camUin: "100021969092" },
  { id: "1003", name: "Carol Chen", department: "Finance", camUin: "100021969093" },
  { id: "1004", name: "Oscar Olsen", department: "Finance" },
  { id: "1005", name: "Peggy Park", department: "Sales", camUin: "100021969099" },
];
