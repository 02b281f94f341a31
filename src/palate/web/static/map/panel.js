import { latestOnly, request } from '../api.js';
import { button, el, put, renderInto } from '../dom.js';
import { capitalized, count, ends, percent, number, plural, signed } from '../format.js';
import { itemLink } from '../links.js';
import { rateInPlace } from '../rate_in_place.js';
import { href } from '../router.js';
import { downloadButton } from '../snippets.js';

const MAX_LISTED = 60;
// As many as the service compares at once, and as an address may hold.
const MAX_COMPARED = 20_000;
const MAX_LINKED = 200;

/** The panel beside the map: the items in view, or what those selected have in common and who they are. */
export function sidePanel(summary, { onClear, onMark }) {
  const node = el('aside', { class: 'map-panel', 'data-list': 'map', 'aria-label': 'Titles on the map' });
  const latest = latestOnly();
  let shown = { points: [], isSelection: false, coordinates: {} };
  let isRating = false;
  const row = ({ id, title: item, ratings }) => el('li', { 'data-item': id }, itemLink({ id, item }),
    isRating ? rateInPlace({ id, item }, summary) : el('small', {}, plural(ratings, 'rating')));
  const listed = el('div');
  const drawList = () => put(listed,
    el('ul', { tabindex: 0, 'aria-label': heading(shown) }, shown.points.slice(0, MAX_LISTED).map(row)),
    shown.points.length > MAX_LISTED && el('p', { class: 'soft' }, `The items with the most ratings; ${count(shown.points.length - MAX_LISTED)} more are not listed.`));
  const toggleRating = ({ currentTarget }) => {
    isRating = !isRating;
    currentTarget.setAttribute('aria-pressed', String(isRating));
    drawList();
  };
  const actions = () => el('div', { class: 'map-actions' },
    button('Rate these', toggleRating, { 'aria-pressed': String(isRating) }),
    downloadButton('selected.csv', () => csvRows(shown)),
    el('a', { class: 'button quiet', href: href(['items'], { id: shown.points.slice(0, MAX_LINKED).map(({ id }) => id) }) }, shown.points.length > MAX_LINKED ? `Show the ${MAX_LINKED} most rated in Items` : 'Show in Items'));
  const mark = ({ target }) => onMark(target.closest('li')?.dataset.item ?? null);
  for (const event of ['mouseover', 'focusin']) node.addEventListener(event, mark);
  for (const event of ['mouseleave', 'focusout']) node.addEventListener(event, () => onMark(null));
  return {
    node,
    /** Show points, the most rated first: those in view, or those selected. */
    show(points, isSelection, coordinates) {
      shown = { points, isSelection, coordinates };
      isRating &&= isSelection;
      const common = el('div', { class: 'map-common' });
      put(node, el('h2', {}, heading(shown)), isSelection && [button('Clear the selection', onClear, { class: 'link' }), common, actions()], listed);
      drawList();
      if (isSelection) renderInto(common, latest((signal) => inCommon(points, summary, signal)));
    },
  };
}

const heading = ({ points, isSelection }) => `${plural(points.length, 'title')} ${isSelection ? 'selected' : 'in view'}`;

/** Return what items have in common, as a list of sentences. */
async function inCommon(points, summary, signal) {
  const body = { items: points.slice(0, MAX_COMPARED).map(({ id }) => id), unknown: 'skip' };
  const { mean_bias: bias, categories, ranges, shifts } = await request('groups', { body, signal });
  const rounded = (value) => (Number.isInteger(value) || Math.abs(value) >= 100 ? String(Math.round(value)) : number(value));
  const fact = (name, text) => el('li', {}, el('strong', {}, name), el('span', {}, text));
  return el('ul', { 'aria-label': 'What they have in common' },
    bias !== null && fact(`Bias ${signed(bias)}`, 'on average'),
    ...categories.map(({ value, share, share_of_all: all }) => fact(value, `${percent(share)}, of all ${percent(all)}`)),
    ...ranges.map((one) => fact(capitalized(one.column), `half are ${rounded(one.lower)} to ${rounded(one.upper)}; of all, ${rounded(one.lower_of_all)} to ${rounded(one.upper_of_all)}`)),
    ...shifts.filter(({ axis }) => summary.axes.some((known) => known.axis === axis)).map(({ axis, position }) => {
      const { low, high } = ends(`axis ${axis}`, summary);
      return fact(`Axis ${axis}`, `${number(Math.abs(position), 1)} standard deviations towards ${position < 0 ? low : high}`);
    }));
}

function csvRows({ points, coordinates: { x, y } }) {
  const has = (name) => points.some((point) => point[name] !== null);
  const columns = [['id', 'id'], ['item', 'title'], ['ratings', 'ratings'],
    [x, 'x'], [`${x} lower`, 'xLower'], [`${x} upper`, 'xUpper'], [y, 'y'], [`${y} lower`, 'yLower'], [`${y} upper`, 'yUpper']].filter(([name, key], i, all) => has(key) && all.findIndex((other) => other[0] === name) === i);
  return [columns.map(([name]) => name), ...points.map((point) => columns.map(([, key]) => point[key]))];
}
