import { axisLines, namedLine, track } from './charts.js';
import { el, errorNote } from './dom.js';
import { between, number, plural, signed } from './format.js';

/** A view of two things of which one or none may have been chosen yet. */
export async function choosing({ title, lead, ids: { a, b }, choosers, first, load }) {
  const fields = el('div', { class: 'filters' }, ...choosers);
  try {
    if (a && b) {
      const { title: shown, body } = await load();
      return { title: shown, lead, body: [body, el('div', { class: 'again' }, fields)] };
    }
    return { title, heading: a ? `${await first()} and ...` : title, lead, body: [fields] };
  } catch (error) {
    if (error.status === 401) throw error;
    return { title, lead, body: [errorNote(error), fields] };
  }
}

/** Which mark is which of two; the names may be links. */
export const pairLegend = (names) => el('p', { class: 'pair-legend' }, ...names.map((name, i) => el('span', { class: `side-${i}` }, ...[name].flat())));

/** A line between two named ends with a mark for each of two. */
export function pairLine({ title, low, high, from, to, pair, names }) {
  const value = el('span', { class: 'value' }, pair.map(({ position }, i) => el('span', { class: `side-${i}` }, el('span', { class: 'visually-hidden' }, `${names[i]} `), signed(position))));
  return { node: namedLine(title, value, twoTracks(from, to, pair), low, high) };
}

export const twoTracks = (from, to, pair) => el('span', { class: 'tracks' }, ...pair.map(({ position, lower, upper }) => track(from, to, position, lower, upper)));

/** The positions of two on the same axes, within `max` of the middle; `before` are lines above these. */
export function pairLines(axes, names, { max, before = [] } = {}) {
  const reach = max ?? 1.08 * Math.max(...axes.flat().flatMap(({ position, lower, upper }) => [position, lower ?? 0, upper ?? 0].map(Math.abs)));
  return axisLines([...before, ...axes[0].map((first, i) =>
    pairLine({ title: `Axis ${first.axis}`, low: first.low, high: first.high, from: -reach, to: reach, pair: [first, axes[1][i]], names }))]);
}

/** A sentence on the correlation of ratings: `words` for above zero, below it, and neither; `what` was rated twice. */
export function agreement({ n, correlation, lower, upper }, words, ...what) {
  if (correlation === null) return 'There are too few ratings of both, or they are too much alike, to say more.';
  const word = lower > 0 ? words[0] : upper < 0 ? words[1] : words[2];
  return `${word}: the correlation over ${plural(n, ...what)} is ${number(correlation)}, with a 90% interval of ${between(lower, upper)}.`;
}
