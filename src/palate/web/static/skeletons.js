import { el } from './dom.js';

const blocks = (kind, n) => Array.from({ length: n }, () => el('div', { class: `placeholder ${kind}` }));
const box = (name, ...children) => el('div', { class: name }, ...children);
const split = (name, left, right) => box(`split ${name}`, box('', ...left), box('', ...right));
const text = () => [...blocks('heading', 1), ...blocks('line', 2), ...blocks('line short', 1)];
const table = (rows) => blocks('row', rows);

// What each view looks like before its content is there, in the layout of the view itself.
const SHAPES = {
  overview: () => [box('actions', ...blocks('button-like', 2)), box('counts', ...blocks('figure-like', 4)), ...text(), box('columns', box('', ...table(5)), box('', ...table(5)))],
  items: () => [box('presets', ...blocks('chip-like', 4)), box('filters', ...blocks('field-like', 4)), split('', table(12), blocks('plot-like', 1))],
  item: () => [box('actions', ...blocks('button-like', 1)), ...text(), ...table(6)],
  map: () => [box('filters', ...blocks('field-like', 4)), ...blocks('plot-like tall-like', 1)],
  try: () => [split('try', [...text(), ...table(3)], [...blocks('heading', 1), ...blocks('result-like', 6)])],
  users: () => [box('filters', ...blocks('field-like', 2)), box('people', ...blocks('card-like', 12))],
  user: () => [...text(), ...table(5), box('columns', box('', ...table(6)), box('', ...table(6)))],
  compare: () => [box('filters', ...blocks('field-like', 2)), box('columns', box('', ...blocks('result-like', 6)), box('', ...blocks('result-like', 6)))],
};

/** Return a picture of a view that is still loading; screen readers are told that the page is busy instead. */
export function skeleton(name) {
  return el('div', { class: 'skeleton', 'aria-hidden': 'true', 'data-skeleton': name },
    ...blocks('title', 1), ...blocks('line', 1), ...blocks('line short', 1), ...(SHAPES[name]?.() ?? text()));
}
