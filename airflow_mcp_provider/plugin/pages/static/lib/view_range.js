// Which rows of a long list are in view. All rows have the same height.

/** The first and the last row to draw, `spare` more at both ends; an empty list: first 0, last -1. */
export const drawn = (top, height, rowHeight, count, spare = 8) => {
  const first = Math.max(0, Math.floor(top / rowHeight) - spare);
  const last = Math.min(count - 1, Math.ceil((top + height) / rowHeight) + spare);
  return { first: Math.min(first, Math.max(0, count - 1)), last };
};

/** The scroll position in which a row is seen whole: the same one where it is. */
export const revealed = (index, top, height, rowHeight) => {
  const start = index * rowHeight;
  if (start < top) return start;
  return start + rowHeight > top + height ? start + rowHeight - height : top;
};
