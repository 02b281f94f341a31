const HEIGHT = 16;
const PADDING = 4;
const widths = new Map();
let context;

/** Return the width of a label in pixels. */
function widthOf(title, font) {
  const key = `${font} ${title}`;
  if (!widths.has(key)) {
    context ??= document.createElement('canvas').getContext('2d');
    context.font = font;
    widths.set(key, context.measureText(title).width + PADDING);
  }
  return widths.get(key);
}

/**
 * Return labels {title, left, top, isMarked} that do not overlap each other or the labelled points.
 * `points` are {title, x, y, size, isMarked} in pixels, in order of importance; each label takes
 * the first free position. The rule and its other implementation are described in palate/_theme.
 */
export function placeLabels(points, { left, top, width, height }, max, font) {
  const [right, bottom] = [left + width, top + height];
  const occupied = [];
  const isFree = ([x0, y0, x1, y1]) => x0 >= left && x1 <= right && y0 >= top && y1 <= bottom
    && !occupied.some((other) => x0 < other[2] && x1 > other[0] && y0 < other[3] && y1 > other[1]);
  const labels = [];
  for (const { title, x, y, size, isMarked } of points) {
    if (labels.length >= max) break;
    const wide = widthOf(title, font);
    const gap = size / 2 + 3;
    const positions = [
      ...(isMarked ? [[x + 8, y - gap - 17], [x - 8 - wide, y - gap - 17]] : []), // clear of the intervals
      [x + gap, y - HEIGHT / 2], [x - gap - wide, y - HEIGHT / 2], [x - wide / 2, y - gap - 15], [x - wide / 2, y + gap - 1],
    ];
    const box = positions.map(([x0, y0]) => [x0, y0, x0 + wide, y0 + HEIGHT]).find(isFree);
    if (box) {
      occupied.push(box, [x - gap, y - gap, x + gap, y + gap]);
      labels.push({ title, left: box[0], top: box[1], isMarked: Boolean(isMarked) });
    }
  }
  return labels;
}
