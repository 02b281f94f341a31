const OPACITY = 0.82;
const FAINT = 0.28;
const UNSELECTED = 0.1;
const CELL_POINTS = 4;
const MAX_CELLS = 256;

/** The points of a plot as columns of numbers, quick to draw and to search. */
export class Points {
  /** `points` are {id, x, y, size, colour, faint, ring, ratings}, drawn in this order. */
  constructor(points, plane) {
    const n = points.length;
    this.all = points;
    this.x = Float64Array.from(points, ({ x }) => plane.coordinate('x', x));
    this.y = Float64Array.from(points, ({ y }) => plane.coordinate('y', y));
    this.size = new Float32Array(n);
    this.colour = new Uint8Array(3 * n);
    points.forEach(({ colour }, i) => this.colour.set(channels(colour), 3 * i));
    this.alpha = new Float32Array(n);
    this.select(null);
    // The most important first: those with the most ratings.
    this.order = Uint32Array.from(points, (_, i) => i).sort((a, b) => (points[b].ratings ?? 0) - (points[a].ratings ?? 0));
    this.ringed = [...this.order].filter((i) => points[i].ring);
    this.cells = cellsOf(this.x, this.y);
  }

  get length() {
    return this.all.length;
  }

  index(id) {
    return id === null ? -1 : this.all.findIndex((point) => point.id === id);
  }

  /** Draw the dots in a multiple of their size. */
  scale(factor) {
    this.all.forEach(({ size }, i) => { this.size[i] = size * factor; });
  }

  /** Show points as selected, given a flag for each; null ends the selection. */
  select(flags) {
    this.selected = flags;
    this.all.forEach(({ faint }, i) => {
      const plain = faint ? FAINT : OPACITY;
      this.alpha[i] = flags ? (flags[i] ? 1 : UNSELECTED) : plain;
    });
  }

  /** Return the index of the point whose centre is nearest to a pixel, if it is near enough; else -1. */
  nearest(plane, x, y, reach) {
    let best = -1;
    let least = Infinity;
    this.#near(plane, x, y, Math.max(reach, 12), (i) => {
      const distance = Math.hypot(plane.pixelX(this.x[i]) - x, plane.pixelY(this.y[i]) - y);
      if (distance > Math.max(reach, this.size[i] / 2 + 2) || distance > least || (distance === least && i < best)) return;
      [best, least] = [i, distance];
    });
    return best;
  }

  #near(plane, x, y, reach, visit) {
    const { columns, rows, column, row, starts, members } = this.cells;
    const [left, right] = [column(plane.atX(x - reach)), column(plane.atX(x + reach))];
    const [bottom, top] = [row(plane.atY(y + reach)), row(plane.atY(y - reach))];
    for (let r = Math.max(0, bottom); r <= Math.min(rows - 1, top); r += 1) {
      for (let c = Math.max(0, left); c <= Math.min(columns - 1, right); c += 1) {
        const cell = r * columns + c;
        for (let k = starts[cell]; k < starts[cell + 1]; k += 1) visit(members[k]);
      }
    }
  }

  /** Return the indices of the wanted points in view, the most important first: at most `max`. */
  inView(plane, isWanted = () => true, max = Infinity) {
    const { x: [left, right], y: [bottom, top] } = plane.view;
    const found = [];
    for (const i of this.order) {
      if (this.x[i] >= left && this.x[i] <= right && this.y[i] >= bottom && this.y[i] <= top && isWanted(i)) found.push(i);
      if (found.length >= max) break;
    }
    return found;
  }

  /** Return for each point whether it lies in a polygon of [x, y] coordinates. */
  inside(polygon) {
    const flags = new Uint8Array(this.length);
    for (let i = 0; i < flags.length; i += 1) flags[i] = isInside(polygon, this.x[i], this.y[i]);
    return flags;
  }
}

function isInside(polygon, x, y) {
  let inside = false;
  let [x1, y1] = polygon.at(-1);
  for (const [x2, y2] of polygon) {
    if (y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) inside = !inside;
    [x1, y1] = [x2, y2];
  }
  return inside;
}

/** Sort points into the cells of a grid, so that those near a place are found quickly. */
function cellsOf(x, y) {
  const side = Math.min(MAX_CELLS, Math.max(1, Math.ceil(Math.sqrt(x.length / CELL_POINTS))));
  const scale = (values) => {
    const [low, high] = bounds(values);
    return (value) => Math.floor(((value - low) / (high - low || 1)) * (side - 1e-6));
  };
  const [column, row] = [scale(x), scale(y)];
  const starts = new Uint32Array(side * side + 1);
  const cell = Uint32Array.from(x, (value, i) => row(y[i]) * side + column(value));
  for (const one of cell) starts[one + 1] += 1;
  for (let i = 0; i < side * side; i += 1) starts[i + 1] += starts[i];
  const next = starts.slice();
  const members = new Uint32Array(x.length);
  cell.forEach((one, i) => {
    members[next[one]] = i;
    next[one] += 1;
  });
  return { columns: side, rows: side, column, row, starts, members };
}

export function bounds(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

const known = new Map();
let converter;

/** Return the red, green and blue of a colour. */
export function channels(colour) {
  if (!known.has(colour)) {
    converter ??= document.createElement('canvas').getContext('2d');
    converter.fillStyle = colour; // reads back as #rrggbb
    known.set(colour, [1, 3, 5].map((i) => parseInt(converter.fillStyle.slice(i, i + 2), 16)));
  }
  return known.get(colour);
}
