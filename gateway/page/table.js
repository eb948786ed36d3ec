// Tables of words.

/** A table; the first cell of each row heads it. */
export function tableOf(head, rows) {
  const table = document.createElement("table");
  const line = (cells, isHead) => {
    const row = table.insertRow();
    cells.forEach((text, place) => {
      const heads = isHead || place === 0;
      const cell = document.createElement(heads ? "th" : "td");
      if (heads) cell.scope = isHead ? "col" : "row";
      cell.textContent = text;
      row.append(cell);
    });
  };
  line(head, true);
  for (const row of rows) line(row, false);
  return table;
}
