/** Figures for the README, collected while the questions are answered and printed at the end as Markdown. */

const tables = new Map<string, Map<string, Map<string, string>>>();

/** A figure's place: a table, a row and a column, each shown in the order of its first figure. */
export function keep(table: string, row: string, column: string, figure: string): void {
  const rows = tables.get(table) ?? new Map<string, Map<string, string>>();
  tables.set(table, rows);
  const cells = rows.get(row) ?? new Map<string, string>();
  rows.set(row, cells);
  cells.set(column, figure);
}

export function tellTables(): void {
  for (const [name, rows] of tables) {
    const columns = [...new Set([...rows.values()].flatMap((cells) => [...cells.keys()]))];
    console.log(`\n| ${[name, ...columns].join(" | ")} |\n|${"---|".repeat(columns.length + 1)}`);
    for (const [row, cells] of rows)
      console.log(`| ${[row, ...columns.map((column) => cells.get(column) ?? "")].join(" | ")} |`);
  }
}
