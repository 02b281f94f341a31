import { bounds } from './points.js';

const SIDE = 96;
// A line encloses each of these shares of the points.
const SHARES = [0.9, 0.75, 0.5, 0.25];
const BLUR = 2;
const PASSES = 3;

/**
 * Return lines around the densest parts of the points, as a path in cells of a grid, and the
 * `origin` and the size of a `cell` in coordinates.
 */
export function contours(x, y) {
  const grid = (values) => {
    const [low, high] = bounds(values);
    const cell = ((high - low) * 1.25 || 1) / SIDE;
    return { origin: (low + high) / 2 - (cell * SIDE) / 2, cell };
  };
  const [across, up] = [grid(x), grid(y)];
  const cellOf = Uint32Array.from(x, (value, i) =>
    Math.floor((y[i] - up.origin) / up.cell) * SIDE + Math.floor((value - across.origin) / across.cell));
  let density = new Float32Array(SIDE * SIDE);
  for (const cell of cellOf) density[cell] += 1;
  for (let pass = 0; pass < PASSES; pass += 1) density = blurred(blurred(density, 1, SIDE), SIDE, 1);
  const atPoints = Float32Array.from(cellOf, (cell) => density[cell]).sort();
  const path = new Path2D();
  for (const share of SHARES) trace(path, density, atPoints[Math.floor((1 - share) * atPoints.length)]);
  return { path, origin: { x: across.origin, y: up.origin }, cell: { x: across.cell, y: up.cell } };
}

/** Return the means of a window along one direction of the grid. */
function blurred(density, along, across) {
  const result = new Float32Array(density.length);
  for (let line = 0; line < SIDE; line += 1) {
    let sum = 0;
    for (let k = -BLUR; k < SIDE; k += 1) {
      if (k + BLUR < SIDE) sum += density[line * across + (k + BLUR) * along];
      if (k - BLUR - 1 >= 0) sum -= density[line * across + (k - BLUR - 1) * along];
      if (k >= 0) result[line * across + k * along] = sum / (2 * BLUR + 1);
    }
  }
  return result;
}

/** Add the line at which the density has a level: by marching squares, between centres of cells. */
function trace(path, density, level) {
  for (let row = 0; row + 1 < SIDE; row += 1) {
    for (let column = 0; column + 1 < SIDE; column += 1) {
      const corners = [[column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1]];
      const heights = corners.map(([c, r]) => density[r * SIDE + c] - level);
      const crossings = [];
      for (let side = 0; side < 4; side += 1) {
        const [a, b] = [heights[side], heights[(side + 1) % 4]];
        if (a > 0 !== b > 0) {
          const [[c1, r1], [c2, r2]] = [corners[side], corners[(side + 1) % 4]];
          const part = a / (a - b);
          crossings.push([c1 + part * (c2 - c1) + 0.5, r1 + part * (r2 - r1) + 0.5]);
        }
      }
      for (let k = 0; k + 1 < crossings.length; k += 2) {
        path.moveTo(...crossings[k]);
        path.lineTo(...crossings[k + 1]);
      }
    }
  }
}
