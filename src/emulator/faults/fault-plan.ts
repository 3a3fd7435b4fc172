import { parseInput } from "../input-problems.ts";
import type { SeededRandom } from "../seeded-random.ts";
import { type Fault, type FaultView, faultSchema } from "./fault-schema.ts";

interface PlannedFault {
  id: string;
  fault: Fault;
  passed: number;
  struck: number;
}

/** The faults that are set. At most one strikes a call: the first that is aimed at it and not spent. */
export class FaultPlan {
  readonly #random: SeededRandom;
  #planned: PlannedFault[] = [];
  #lastId = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  add(input: unknown): FaultView {
    const fault = parseInput(faultSchema, input, "The fault is not valid");
    this.#lastId += 1;
    const planned = { id: `fault-${this.#lastId}`, fault, passed: 0, struck: 0 };
    this.#planned.push(planned);
    return view(planned);
  }

  list(): FaultView[] {
    return this.#planned.map(view);
  }

  /** Takes back one fault, or all. False when there is none of that id. */
  remove(id?: string): boolean {
    const before = this.#planned.length;
    this.#planned = id === undefined ? [] : this.#planned.filter((planned) => planned.id !== id);
    return id === undefined || this.#planned.length < before;
  }

  strike(action: string, uins: readonly string[]): Fault | undefined {
    return this.#planned.find((planned) => this.#strikes(planned, action, uins))?.fault;
  }

  #strikes(planned: PlannedFault, action: string, uins: readonly string[]): boolean {
    const { fault } = planned;
    if (fault.action !== undefined && fault.action !== action) return false;
    if (fault.opUin !== undefined && !uins.includes(fault.opUin)) return false;
    if (fault.times !== undefined && planned.struck >= fault.times) return false;
    if (planned.passed < fault.skip) {
      planned.passed += 1;
      return false;
    }
    if (fault.probability < 1 && this.#random.next() >= fault.probability) return false;
    planned.struck += 1;
    return true;
  }
}

function view({ id, fault, struck }: PlannedFault): FaultView {
  return { id, ...fault, struck };
}
