import { matchingIds, requestCached } from '../api.js';
import { el, errorNote } from '../dom.js';
import { between, number, plural, signed } from '../format.js';
import { mapPoints } from '../map/points.js';
import { colour, rangeOf, scatter } from '../plot.js';
import { go, href } from '../router.js';

/** Mark the point of the row that has the pointer or the focus. */
export function linkRowsToPoints(results, chart) {
  const mark = (event) => chart.mark(event.target.closest('tr')?.dataset.item ?? null);
  for (const event of ['mouseover', 'focusin']) results.addEventListener(event, mark);
  for (const event of ['mouseleave', 'focusout']) results.addEventListener(event, () => chart.mark(null));
}

/** The scatter plot of all items beside the table. */
export function scatterChart(results) {
  const box = el('div', { class: 'plot', role: 'img', 'aria-busy': 'true', 'aria-label': 'Every item by mean rating and bias; the table lists the same items' });
  const node = el('figure', { class: 'side', 'data-chart': 'items' },
    el('div', { class: 'axis-y' }, 'Bias ↑'), box, el('div', { class: 'axis-x' }, 'Mean rating →'),
    el('figcaption', { class: 'soft' }, 'Larger dots have more ratings. Highlighted dots are in the table.'));
  let plot = null;
  let current = null;
  let all = [];
  let isClosed = false;
  const highlightRow = (id) => {
    for (const row of results.querySelectorAll('tr[data-item]')) row.classList.toggle('highlighted', row.dataset.item === String(id));
    plot.mark(id);
  };
  const tooltip = ({ x, y, yLower, yUpper, ratings }) => [
    `Mean ${number(x)}, bias ${signed(y)}`, ...(yLower === null ? [] : [`90% interval ${between(yLower, yUpper)}`]), plural(ratings, 'rating')];

  const draw = async () => {
    if (!plot || !current) return;
    const state = current;
    const ids = state.where.length || state.search ? await matchingIds(state.where, state.search) : null;
    if (state !== current || !plot) return;
    const listed = new Set([...results.querySelectorAll('tr[data-item]')].map((row) => row.dataset.item));
    const matching = all.filter((one) => one.ratings >= state.minRatings && (!ids || ids.has(one.id)));
    const [listedColour, otherColour] = [colour('--accent'), colour('--dot')];
    const points = matching.map((one) => ({ ...one, faint: !listed.has(String(one.id)), colour: listed.has(String(one.id)) ? listedColour : otherColour }));
    points.sort((a, b) => b.faint - a.faint); // the listed ones last, so that they are on top
    await plot.set(points, { x: { range: rangeOf(all.map(({ x }) => x)) }, y: { range: rangeOf(all.map(({ y }) => y)) } });
  };
  const start = async () => {
    try {
      const map = await requestCached('map', { x: 'mean', y: 'bias' });
      all = mapPoints(map);
      const created = await scatter(box, { tooltip, onHover: highlightRow, onPick: ({ id }) => go(href(['item', id])) });
      if (isClosed) return created.close();
      plot = created;
      plot.onColours = draw;
      return await draw();
    } catch (error) {
      return box.replaceChildren(errorNote(error));
    } finally {
      box.removeAttribute('aria-busy');
    }
  };
  return {
    node,
    start,
    mark: (id) => plot?.mark(all.find((one) => String(one.id) === id)?.id ?? null),
    update: (state) => {
      current = state;
      return draw();
    },
    close: () => {
      isClosed = true;
      plot?.close();
      plot = null;
    },
  };
}
