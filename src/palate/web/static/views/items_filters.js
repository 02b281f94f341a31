import { debounced, el } from '../dom.js';
import { capitalized, count, hasRatings } from '../format.js';

const MIN_RATINGS = [1, 5, 10, 20, 50, 100, 200, 500, 1000];

/** The form with what items can be filtered by; `set` shows the filters of a state. */
export function filterForm(summary, change) {
  const field = (label, input) => el('div', { class: 'field' }, el('label', { for: input.id }, label), input);
  const search = el('input', { id: 'search', name: 'search', type: 'search', autocomplete: 'off' });
  search.addEventListener('input', debounced(200, () => change({ search: search.value.trim() }, true)));
  const minRatings = el('select', { id: 'min-ratings', name: 'min_ratings', on: { change: () => change({ minRatings: Number(minRatings.value) }) } });
  const conditions = summary.columns.map((column) => (column.values.length ? categoryFilter : rangeFilter)(column, () => change({ where: conditions.map(({ where }) => where()).filter(Boolean) })));
  const node = el('form', { class: 'filters', role: 'search', 'aria-label': 'Items', on: { submit: (event) => event.preventDefault() } },
    field('Search titles', search), field(hasRatings(summary) ? 'Number of ratings' : 'Number of people', minRatings), ...conditions.map((condition) => condition.node));
  const set = (state) => {
    if (document.activeElement !== search) search.value = state.search;
    const choices = [...new Set([...MIN_RATINGS, state.minRatings])].sort((a, b) => a - b);
    minRatings.replaceChildren(...choices.map((n) => el('option', { value: n }, n === 1 ? 'any' : `at least ${count(n)}`)));
    minRatings.value = state.minRatings;
    conditions.forEach((condition) => condition.set(state.where));
  };
  return { node, set };
}

function categoryFilter({ name, values }, changed) {
  const id = `where-${name}`;
  const select = el('select', { id, name, on: { change: changed } }, el('option', { value: '' }, 'any'), ...values.map((value) => el('option', { value }, value)));
  return {
    node: el('div', { class: 'field' }, el('label', { for: id }, capitalized(name)), select),
    where: () => select.value && `${name}=${select.value}`,
    set: (where) => {
      select.value = where.find((condition) => condition.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
    },
  };
}

function rangeFilter({ name, lowest, highest }, changed) {
  const changedLater = debounced(400, changed);
  const input = (end, value) => el('input', { type: 'number', name: `${name}-${end}`, 'aria-label': `${capitalized(name)} ${end}`, placeholder: value, step: 'any', on: { input: changedLater } });
  const [from, to] = [input('from', lowest), input('to', highest)];
  return {
    node: el('fieldset', { class: 'field' }, el('legend', {}, capitalized(name)), el('div', { class: 'span' }, from, el('span', { 'aria-hidden': 'true' }, 'to'), to)),
    where: () => (from.value || to.value) && `${name}=${from.value || lowest}..${to.value || highest}`,
    set: (where) => {
      if ([from, to].includes(document.activeElement)) return;
      const ends = where.find((condition) => condition.startsWith(`${name}=`))?.slice(name.length + 1).split('..') ?? [];
      [from.value, to.value] = [ends[0] ?? '', ends[1] ?? ends[0] ?? ''];
    },
  };
}
