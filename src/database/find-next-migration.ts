import { DatabaseError } from "./database.ts";
import type { MigrationFile } from "./read-migrations.ts";

/** A migration as the database has recorded it. */
export interface AppliedMigration {
  readonly name: string;
  /** Null where the release that ran it kept none. */
  readonly checksum: string | null;
}

/**
 * The first migration that is to be run, or undefined where there is none.
 *
 * @throws DatabaseError where a later release has migrated the database, where a file that was run is gone or is no
 *   longer as it was, and where one that was not run comes before one that was.
 */
export function findNextMigration(
  files: readonly MigrationFile[],
  applied: readonly AppliedMigration[],
): MigrationFile | undefined {
  const newest = files.at(-1)?.name ?? "";
  const unknown = applied.map(({ name }) => name).filter((name) => files.every((file) => file.name !== name));
  const later = unknown.filter((name) => name > newest);
  if (later.length > 0) {
    throw new DatabaseError(
      `The database was migrated by a later release (${later.join(", ")}), which this one does not know. Start that release, or restore a copy from before.`,
    );
  }
  if (unknown.length > 0) {
    throw new DatabaseError(
      `The database was migrated by files that are gone (${unknown.join(", ")}). Put them back as they were; a migration that has been run stays.`,
    );
  }
  const edited = applied.filter(({ name, checksum }) =>
    files.some((file) => file.name === name && checksum !== null && file.checksum !== checksum),
  );
  if (edited.length > 0) {
    throw new DatabaseError(
      `A migration was edited after it was run on this database (${edited.map(({ name }) => name).join(", ")}). Put the file back as it was, and write a new migration for what is to change.`,
    );
  }
  const next = files.find(({ name }) => applied.every((each) => each.name !== name));
  const last = applied.at(-1)?.name;
  if (next !== undefined && last !== undefined && next.name < last) {
    throw new DatabaseError(
      `The migration ${next.name} was added before ${last}, which has been run on this database already. Give it a number after that.`,
    );
  }
  return next;
}
