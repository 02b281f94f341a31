import { el, newId, svg } from './dom.js';
import { between, number, signed } from './format.js';

const share = (x, low, high) => Math.min(1, Math.max(0, (x - low) / (high - low)));
const at = (x, low, high) => `${(100 * share(x, low, high)).toFixed(2)}%`;

function spot(low, high, value, lower, upper) {
  const known = lower !== null && lower !== undefined;
  return {
    '--at': at(value, low, high),
    '--from': at(known ? lower : value, low, high),
    '--width': known ? `${(100 * (share(upper, low, high) - share(lower, low, high))).toFixed(2)}%` : '0%',
  };
}

/** A dot with its interval between two values; numbers beside it say the same. */
export function track(low, high, value, lower, upper) {
  const style = spot(low, high, value, lower, upper);
  return el('span', { class: 'track', 'aria-hidden': 'true', style }, el('i'), el('b'));
}

/** A line between two named ends, on which a dot can move. */
export function axisLine({ title, low, high, from, to }) {
  const line = track(from, to, (from + to) / 2);
  const value = el('span', { class: 'value' });
  const node = el(
    'li',
    { class: 'axis-line' },
    el('div', { class: 'axis-head' }, el('span', { class: 'axis-title' }, title), value),
    line,
    el('div', { class: 'axis-ends' }, el('span', {}, low), el('span', {}, high)),
  );
  const set = ({ position, lower, upper }) => {
    for (const [name, said] of Object.entries(spot(from, to, position, lower, upper))) {
      line.style.setProperty(name, said);
    }
    const sure = lower !== null && lower !== undefined;
    value.replaceChildren(signed(position), sure ? el('small', {}, between(lower, upper)) : '');
  };
  return { node, set };
}

/** The first lines as a list, the others behind a disclosure. */
export function axisLines(lines, first = 5) {
  const rest = lines.slice(first);
  return el(
    'div',
    { class: 'axis-lines' },
    el('ul', {}, ...lines.slice(0, first).map(({ node }) => node)),
    rest.length > 0 &&
      el('details', {}, el('summary', {}, `${rest.length} more axes`), el('ul', {}, ...rest.map(({ node }) => node))),
  );
}

/** Bars to both sides of nought, one for each part of a sum; a part without a bar is written only. */
export function signedBars(rows, caption) {
  const drawn = rows.filter(({ bare }) => !bare);
  const most = Math.max(...drawn.map(({ value }) => Math.abs(value)), 1e-9);
  const below = Math.max(0, ...drawn.map(({ value }) => -value)) / most;
  const zero = below / (1 + below);
  const bar = ({ name, value, bare }) => {
    const width = (Math.abs(value) / most) * (1 - zero);
    const style = { '--from': `${100 * (value < 0 ? zero - width : zero)}%`, '--width': `${100 * width}%`, '--nought': `${100 * zero}%` };
    return row(name, signed(value), bare ? { '--nought': style['--nought'] } : style, bare ? 'bare' : value < 0 ? 'against' : 'for');
  };
  return table(caption, rows.map(bar));
}

/** How a sum comes about, from its first part to the whole. */
export function waterfall(parts, total, low, high, caption) {
  let sum = 0;
  const steps = parts.map(({ name, note, value }, i) => {
    const before = i === 0 ? low : sum;
    sum += value;
    const [from, to] = [Math.min(before, sum), Math.max(before, sum)];
    return row(name, i === 0 ? number(value) : signed(value), spot(low, high, from, from, to), i === 0 ? 'whole' : value < 0 ? 'against' : 'for', note);
  });
  const whole = row(total.name, number(total.value), spot(low, high, low, low, total.value), 'whole', total.note);
  whole.classList.add('total');
  return table(caption, [...steps, whole]);
}

function row(name, value, style, kind, note) {
  return el(
    'tr',
    {},
    el('th', { scope: 'row' }, name, note && el('small', {}, note)),
    el('td', { class: 'bar-cell', 'aria-hidden': 'true' }, el('span', { class: `bar ${kind}`, style }, el('i'))),
    el('td', { class: 'number' }, value),
  );
}

function table(caption, rows) {
  return el('table', { class: 'bars' }, el('caption', { class: 'unseen' }, caption), el('tbody', {}, ...rows));
}

/** Bars from nought, one of them ours. */
export function bars(rows, caption) {
  const most = Math.max(...rows.map(({ value }) => value));
  return table(caption, rows.map(({ name, value, ours, digits }) => {
    const made = row(name, number(value, digits), spot(0, most, 0, 0, value), ours ? 'for' : 'other');
    if (ours) made.classList.add('ours');
    return made;
  }));
}

/** Lines over the steps of a fit. `series` are {name, values}; `steps` their places. */
export function lines({ steps, series, label, step, shadeTo }) {
  const values = series.flatMap(({ values: some }) => some);
  const ticks = niceTicks(Math.min(...values), Math.max(...values));
  const [low, high] = [ticks[0], ticks.at(-1)];
  const [first, last] = [steps[0], steps.at(-1)];
  const x = (s) => 100 * share(s, first, last === first ? first + 1 : last);
  const y = (v) => 100 * (1 - share(v, low, high));
  const shade = shadeTo > first && svg('rect', { class: 'shade', x: 0, y: 0, width: x(shadeTo), height: 100 });
  const drawn = svg(
    'svg',
    { viewBox: '0 0 100 100', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    ...(shade ? [shade] : []),
    ...ticks.map((t) => svg('path', { class: 'grid', d: `M0 ${y(t)}H100` })),
    ...series.flatMap(({ values: some }, i) => curve(some.map((v, n) => [x(steps[n]), y(v)]), `line-${i}`)),
  );
  return el(
    'div',
    { class: 'lines', role: 'img', 'aria-label': label },
    el('ul', { class: 'legend' }, ...series.map(({ name }, i) => el('li', {}, el('i', { class: `key line-${i}` }), name))),
    el('div', { class: 'canvas' }, drawn, ...ticks.map((t) => el('span', { class: 'tick', style: { top: `${y(t)}%` } }, number(t)))),
    el('div', { class: 'steps' }, el('span', {}, `${step} ${first + 1}`), el('span', {}, `${step} ${last + 1}`)),
  );
}

function curve(points, kind) {
  const d = points.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(2)} ${y.toFixed(2)}`).join('');
  const path = svg('path', { class: kind, d });
  if (points.length > 12) return [path];
  // A stroke of no length with round ends is a dot that the stretched drawing does not squash.
  return [path, ...points.map(([x, y]) => svg('path', { class: `${kind} dot`, d: `M${x} ${y}h0` }))];
}

function niceTicks(low, high) {
  const span = high - low || 1;
  const power = 10 ** Math.floor(Math.log10(span / 3));
  const size = [1, 2, 5, 10].map((m) => m * power).find((s) => span / s <= 4);
  const first = Math.floor(low / size);
  const last = Math.max(first + 1, Math.ceil(high / size));
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * size);
}

/** A table that scrolls by itself where it is too wide. */
export function scrolling(label, ...children) {
  return el('div', { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': label }, ...children);
}

/** Buttons to rate with: stars where the scale counts up from one, else the values themselves. */
export function ratingButtons({ title, scale, value, keep, onRate }) {
  const stars = scale.length <= 7 && scale.every((step, i) => step === i + 1);
  const name = newId('rate');
  const group = el('div', { class: stars ? 'stars' : 'chips', role: 'group', 'aria-labelledby': name });
  group.append(el('span', { class: 'unseen', id: name }, `Rate ${title}`));
  for (const step of scale) {
    const pressed = step === value;
    const label = stars ? `${step} of ${scale.length}` : String(step);
    const button = el('button', { type: 'button', 'aria-label': label, 'aria-pressed': String(pressed), 'data-value': step, 'data-keep': keep && `${keep} ${step}`, class: value !== undefined && step <= value ? 'on' : null }, stars ? star() : label);
    button.addEventListener('click', () => onRate(step));
    group.append(button);
  }
  return group;
}

function star() {
  return svg('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true' },
    svg('path', { d: 'M12 2.8l2.8 5.9 6.4.9-4.6 4.5 1.1 6.4-5.7-3.1-5.7 3.1 1.1-6.4L2.8 9.6l6.4-.9z' }));
}
