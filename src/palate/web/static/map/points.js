
const SMALLEST = 4;
const LARGEST = 18;

/** Convert the columns of the service's map to points of a plot, the most rated first. */
export function mapPoints({ columns }) {
  const { id, item, ratings, x, y, x_margin: xMargin, y_margin: yMargin } = columns;
  const max = Math.max(ratings[0] ?? 1, 1);
  const bound = (values, margins, i, sign) => (margins ? values[i] + sign * margins[i] : null);
  return id.map((one, i) => ({
    id: one,
    title: item[i],
    ratings: ratings[i],
    x: x[i],
    xLower: bound(x, xMargin, i, -1),
    xUpper: bound(x, xMargin, i, 1),
    y: y[i],
    yLower: bound(y, yMargin, i, -1),
    yUpper: bound(y, yMargin, i, 1),
    size: SMALLEST + (LARGEST - SMALLEST) * Math.sqrt(ratings[i] / max),
  }));
}
