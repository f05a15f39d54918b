/** The table of learned shapes of tools' results, and its bounds. */
import type { DatabaseSync } from "node:sqlite";
import { MAX_SHAPES, SHAPES_PER_PRINCIPAL, type StoredShape } from "../../store.ts";

/** A row, as SQLite gives it. */
export type ShapeRow = Readonly<Record<string, unknown>>;

export interface ShapeTable {
  putShapes(shapes: readonly StoredShape[]): void;
  readShapes(): readonly ShapeRow[];
  deleteShapesBefore(epochMs: number): void;
}

export function createShapeTable(db: DatabaseSync): ShapeTable {
  const insert = db.prepare(
    `insert into shapes (principal, tool, definition, seen_at, shape) values (?, ?, ?, ?, ?)
     on conflict do update set definition = excluded.definition, seen_at = excluded.seen_at, shape = excluded.shape`,
  );
  // Both read only an index, not the shapes.
  const trimEach = db.prepare(
    `delete from shapes where (principal, tool) in (
       select principal, tool from (
         select principal, tool, row_number() over (partition by principal order by seen_at desc) as nth from shapes)
       where nth > ${SHAPES_PER_PRINCIPAL})`,
  );
  const trimAll = db.prepare(
    `delete from shapes where (principal, tool) in (
       select principal, tool from shapes order by seen_at desc limit -1 offset ${MAX_SHAPES})`,
  );
  const select = db.prepare("select principal, tool, definition, seen_at as seenAt, shape from shapes");
  const deleteOld = db.prepare("delete from shapes where seen_at < ?");
  return {
    putShapes(shapes) {
      for (const { principal, tool, definition, seenAt, shape } of shapes)
        insert.run(principal, tool, definition, seenAt, shape);
      trimEach.run();
      trimAll.run();
    },
    readShapes: () => select.all(),
    deleteShapesBefore: (epochMs) => void deleteOld.run(epochMs),
  };
}
