import { el, put, svg } from './dom.js';
import { between, count, number, plural, short, signed } from './format.js';
import { tickStep } from './ticks.js';

const fraction = (x, low, high) => Math.min(1, Math.max(0, (x - low) / (high - low)));
const percentAt = (x, low, high) => `${(100 * fraction(x, low, high)).toFixed(2)}%`;

/** Return the style of a dot at a value with its interval, between `low` and `high`. */
function intervalStyle(low, high, value, lower, upper) {
  const hasInterval = lower !== null && lower !== undefined;
  return {
    '--at': percentAt(value, low, high),
    '--from': percentAt(hasInterval ? lower : value, low, high),
    '--width': hasInterval ? `${(100 * (fraction(upper, low, high) - fraction(lower, low, high))).toFixed(2)}%` : '0%',
  };
}

/** A dot with its interval; hidden from screen readers, because the numbers are next to it. */
export function track(low, high, value, lower, upper) {
  const style = intervalStyle(low, high, value, lower, upper);
  return el('span', { class: 'track', 'aria-hidden': 'true', style }, el('i'), el('b'));
}

/** A line between two named ends, with its title and value above it. */
export const namedLine = (title, value, line, low, high) => el('li', { class: 'axis-line' },
  el('div', { class: 'axis-head' }, el('span', { class: 'axis-title' }, title), value), line,
  el('div', { class: 'axis-ends' }, el('span', {}, low), el('span', {}, high)));

/** A line between two named ends with a dot, which `set` moves. */
export function axisLine({ title, low, high, from, to }) {
  const line = track(from, to, (from + to) / 2);
  const value = el('span', { class: 'value' });
  const set = ({ position, lower, upper }) => {
    for (const [name, style] of Object.entries(intervalStyle(from, to, position, lower, upper))) line.style.setProperty(name, style);
    put(value, signed(position), typeof lower === 'number' && el('small', {}, between(lower, upper)));
  };
  return { node: namedLine(title, value, line, low, high), set };
}

/** The first lines as a list, the rest in a collapsed section. */
export function axisLines(lines, first = 5) {
  const rest = lines.slice(first);
  return el('div', { class: 'axis-lines' },
    el('ul', {}, lines.slice(0, first).map(({ node }) => node)),
    rest.length > 0 && el('details', {}, el('summary', {}, plural(rest.length, 'more axis', 'more axes')), el('ul', {}, rest.map(({ node }) => node))));
}

/** Bars to both sides of zero, one for each term of a sum; a term with `bare` has no bar. */
export function signedBars(rows, caption, format = signed) {
  const drawn = rows.filter(({ bare }) => !bare);
  const max = Math.max(...drawn.map(({ value }) => Math.abs(value)), 1e-9);
  const below = Math.max(0, ...drawn.map(({ value }) => -value)) / max;
  const zero = below / (1 + below);
  const bar = ({ name, value, bare }) => {
    const width = (Math.abs(value) / max) * (1 - zero);
    const style = { '--from': `${100 * (value < 0 ? zero - width : zero)}%`, '--width': `${100 * width}%`, '--zero-line': `${100 * zero}%` };
    return row(name, format(value), bare ? { '--zero-line': style['--zero-line'] } : style, bare ? 'bare' : value < 0 ? 'against' : 'for');
  };
  return table(caption, rows.map(bar));
}

/** A waterfall chart: the terms of a sum, one after the other, and the total. */
export function waterfall(terms, total, low, high, caption) {
  let sum = 0;
  const steps = terms.map(({ name, note, value }, i) => {
    const before = i === 0 ? low : sum;
    sum += value;
    const [from, to] = [Math.min(before, sum), Math.max(before, sum)];
    return row(name, i === 0 ? number(value) : signed(value), intervalStyle(low, high, from, from, to), i === 0 ? 'whole' : value < 0 ? 'against' : 'for', note);
  });
  const whole = row(total.name, number(total.value), intervalStyle(low, high, low, low, total.value), 'whole', total.note);
  whole.classList.add('total');
  return table(caption, [...steps, whole]);
}

function row(name, value, style, barClass, note) {
  return el('tr', {},
    el('th', { scope: 'row' }, name, note && el('small', {}, note)),
    el('td', { class: 'bar-cell', 'aria-hidden': 'true' }, el('span', { class: `bar ${barClass}`, style }, el('i'))),
    el('td', { class: 'number' }, value));
}

function table(caption, rows) {
  return el('table', { class: 'bars' }, el('caption', { class: 'visually-hidden' }, caption), el('tbody', {}, ...rows));
}

/** Bars that start at zero; those with `ours` are highlighted. */
export function bars(rows, caption) {
  const max = Math.max(...rows.map(({ value }) => value));
  return table(caption, rows.map(({ name, value, ours, digits }) => {
    const bar = row(name, number(value, digits), intervalStyle(0, max, 0, 0, value), ours ? 'for' : 'other');
    if (ours) bar.classList.add('ours');
    return bar;
  }));
}

/** How often each step of the scale was given, as bars, beside how often it is expected, as marks. */
export function ratingCounts(steps, caption) {
  const max = Math.max(1, ...steps.flatMap(({ observed, expected }) => [observed, expected]));
  const rows = steps.toReversed().map(({ rating, observed, expected }) => {
    const line = row(short(rating), count(observed), intervalStyle(0, max, expected, 0, observed), 'given');
    line.querySelector('.bar').append(el('b'));
    line.append(el('td', { class: 'number' }, count(Math.round(expected))));
    return line;
  });
  const head = ['Rating', '', 'Given', 'Expected'].map((name) => (name ? el('th', { scope: 'col' }, name) : el('td', { 'aria-hidden': 'true' })));
  const node = table(caption, rows);
  node.classList.add('rating-counts');
  node.caption.after(el('thead', {}, el('tr', {}, ...head)));
  return node;
}

/** A line chart over the steps of a fit; `series` are {name, values}, one value for each step. */
export function lines({ steps, series, label, step, shadeTo }) {
  const all = series.flatMap(({ values }) => values);
  const ticks = niceTicks(Math.min(...all), Math.max(...all));
  const [low, high] = [ticks[0], ticks.at(-1)];
  const [first, last] = [steps[0], steps.at(-1)];
  const x = (s) => 100 * fraction(s, first, last === first ? first + 1 : last);
  const y = (v) => 100 * (1 - fraction(v, low, high));
  const shade = shadeTo > first && svg('rect', { class: 'shade', x: 0, y: 0, width: x(shadeTo), height: 100 });
  const drawn = svg('svg', { viewBox: '0 0 100 100', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    shade,
    ticks.map((t) => svg('path', { class: 'grid', d: `M0 ${y(t)}H100` })),
    series.map(({ values }, i) => curve(values.map((v, n) => [x(steps[n]), y(v)]), `line-${i}`)));
  return el('div', { class: 'lines', role: 'img', 'aria-label': label },
    el('ul', { class: 'legend' }, ...series.map(({ name }, i) => el('li', {}, el('i', { class: `key line-${i}` }), name))),
    el('div', { class: 'canvas' }, drawn, ...ticks.map((t) => el('span', { class: 'tick', style: { top: `${y(t)}%` } }, number(t)))),
    el('div', { class: 'steps' }, el('span', {}, `${step} ${first + 1}`), el('span', {}, `${step} ${last + 1}`)));
}

function curve(points, className) {
  const d = points.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(2)} ${y.toFixed(2)}`).join('');
  const path = svg('path', { class: className, d });
  if (points.length > 12) return [path];
  // A stroke of length zero with round ends: a dot that stretching the drawing does not distort.
  return [path, ...points.map(([x, y]) => svg('path', { class: `${className} dot`, d: `M${x} ${y}h0` }))];
}

function niceTicks(low, high) {
  const step = tickStep(high - low || 1, 4);
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}