import { download, latestOnly, request } from '../api.js';
import { ratingCounts, scrolling, track } from '../charts.js';
import { code } from './user_code.js';
import { busyButton, el, preservingFocus, renderInto, section } from '../dom.js';
import { count, hasRatings, historyText, number, short, signed, titles } from '../format.js';
import { formatRatings, myRatings } from '../my_ratings.js';
import { listSwitch, portrait, rankedBy, recommendations } from '../people.js';
import { go, href } from '../router.js';
import { countLine, isBeyondEnd, pageOf, pager, pagesOf, sortableTable } from '../table.js';

const PAGE_SIZE = 25;
// As many ratings fit into an address that can still be shared.
const MAX_IN_ADDRESS = 200;
const LISTS = {
  both: 'What they would pick and like. ',
  choice: 'What people with a history like theirs pick, whether they like it or not. ',
  rating: 'What they would rate highest, whether or not they would come across it. ',
};
const ORDERS = [
  { name: 'Highest rated', sort: 'rating', descending: true },
  { name: 'Lowest rated', sort: 'rating', descending: false },
  { name: 'Most surprising', sort: 'surprise', descending: true },
  { name: 'Latest', sort: 'time', descending: true },
];

const stateOf = (params, summary) => ({
  by: rankedBy(params.get('by'), summary),
  sort: params.get('sort'),
  descending: params.get('descending') !== 'false',
  page: pageOf(params),
});

export async function show({ id, params }, summary) {
  const person = await request(`users/${encodeURIComponent(id)}`);
  const addressOf = ({ by, sort, descending, page }) =>
    href(['user', id], { by: by === summary.lists_by[0] ? null : by, sort, descending: descending ? null : false, page: page > 1 ? page : null });
  let current = {};
  const change = (changes) => go(addressOf({ ...current, ...changes }), { replace: true });
  const lists = listSwitch(summary, (by) => change({ by: by ?? summary.lists_by[0] }));
  const [recommended, entries] = [el('div', { class: 'tall', 'data-list': 'recommendations' }), el('div', { class: 'results', 'data-list': 'history' })];
  const [latestList, latestHistory] = [latestOnly(), latestOnly()];
  const showList = () => {
    lists.set(current.by);
    lists.text.textContent = `${LISTS[current.by]}${lists.text.textContent.includes('expected rating') ? 'The number is the expected rating.' : ''}`;
    renderInto(recommended, latestList(async (signal) => {
      const body = { user: person.user, n: 10, by: current.by, reasons: true };
      return recommendations((await request('recommendations', { body, signal })).recommendations, { user: person.user }, summary);
    }));
  };
  const showHistory = () => preservingFocus(
    () => renderInto(entries, latestHistory((signal) => history(person.user, current, summary, { addressOf, signal }))),
    () => entries.querySelector('.scroll'));
  const refresh = (next) => {
    const before = current;
    current = next;
    if (next.by !== before.by) showList();
    return ['sort', 'descending', 'page'].some((name) => next[name] !== before[name]) ? showHistory() : undefined;
  };
  const [counts, likes] = ['', ''].map(() => el('div', { class: 'later' }));
  return {
    title: `User ${person.user}`,
    lead: `${historyText(person)}.`,
    body: [
      el('p', { class: 'actions' }, openInTry(person.user, summary), el('a', { class: 'button quiet', href: href(['compare', 'people'], { a: person.user }) }, 'Compare with ...')),
      person.portrait && el('div', { class: 'split' },
        el('div', { class: 'stack' }, section('Portrait', 'portrait', portraitOf(person, summary))),
        el('div', { class: 'stack' },
          section('How they rate', 'rating-counts', el('p', {}, COUNTS), counts),
          section('People with similar tastes', 'similar', likes))),
      section('Their history', 'history', entries),
      section('Recommended to them', 'recommendations', lists.node, lists.text, recommended),
      section('As code', 'code', el('p', { class: 'actions' }, ...code(person.user, summary))),
    ].filter(Boolean),
    mounted: () => {
      refresh(stateOf(params, summary));
      if (!person.portrait) return;
      renderInto(counts, request('rating-counts', { query: { user: person.user } }).then(({ steps }) => ratingCounts(steps, 'Ratings given and expected')));
      renderInto(likes, request('similar-users', { query: { user: person.user } }).then(({ users }) => similar(users)));
    },
    update: (route) => refresh(stateOf(route.params, summary)),
  };
}

const COUNTS = 'How often they gave each rating (bars), and how often the model expects it of them (marks).';

function portraitOf(person, summary) {
  const chart = portrait(summary);
  chart.set(person.portrait);
  return chart.node;
}

/** A button that takes the ratings of a user into the view "Try it", or as many as an address holds: those that tell most of them. */
function openInTry(user, summary) {
  const open = async () => {
    const sort = hasRatings(summary) ? { sort: 'influence' } : {};
    const { entries } = await request('histories', { query: { user, size: MAX_IN_ADDRESS, ...sort } });
    go(href(['try'], { r: formatRatings(new Map(entries.map(({ id, rating }) => [String(id), summary.scale.length ? rating : 1]))) }));
  };
  const [rated, own] = summary.scale.length ? ['rated', 'ratings'] : ['picked', 'picks'];
  const note = myRatings().size ? ` Your own ${own} give way to theirs; the back button brings them back.` : '';
  return [busyButton('Open in Try it', open),
    el('small', { class: 'soft' }, `What if they had ${rated} something else? With up to ${MAX_IN_ADDRESS} of their ${summary.scale.length ? 'ratings, those that tell most of their taste' : 'items'}.${note}`)];
}

async function history(user, state, summary, { addressOf, signal }) {
  const order = { ...(state.sort && { sort: state.sort }), descending: state.descending };
  const { entries, total } = await request('histories', { query: { user, page: state.page, size: PAGE_SIZE, ...order }, signal });
  const paging = { page: state.page, pages: pagesOf(total, PAGE_SIZE), to: (page) => addressOf({ ...state, page }) };
  if (isBeyondEnd(paging)) return undefined;
  const hasTimes = entries.some(({ time }) => time !== null);
  const sort = state.sort ?? (hasRatings(summary) || !hasTimes ? 'rating' : 'time');
  const chip = (one) => el('a', {
    class: 'chip', href: addressOf({ ...state, sort: one.sort, descending: one.descending, page: 1 }), 'data-focus-key': `order ${one.name}`,
    'aria-current': one.sort === sort && one.descending === state.descending ? 'true' : null,
  }, one.name);
  const orders = ORDERS.filter((one) => (one.sort === 'time' ? hasTimes : hasRatings(summary)));
  const table = sortableTable({
    label: 'Table of the history',
    caption: 'The history, with what is expected of each rating',
    columns: historyColumns(entries, summary, hasTimes),
    rows: entries,
    sort: { key: sort, descending: state.descending },
    onSort: (next) => go(addressOf({ ...state, sort: next.key, descending: next.descending, page: 1 })),
    rowAttributes: ({ id }) => ({ 'data-item': id }),
  });
  return [
    orders.length > 1 ? el('nav', { class: 'chips-row', 'aria-label': 'Common orders' }, ...orders.map(chip)) : '',
    countLine(total, summary.kind === 'ratings' ? 'rating' : 'item', busyButton('Export CSV', () => download('histories.csv', { user, ...order }, `user-${user}.csv`))),
    table,
    hasRatings(summary) ? el('p', { class: 'soft' }, 'Expected: what the model would expect if it knew all their ratings but this one.') : '',
    pager(paging),
  ];
}

function historyColumns(entries, summary, hasTimes) {
  const title = titles(entries);
  const max = 1.08 * Math.max(0.01, ...entries.map(({ residual }) => Math.abs(residual ?? 0)));
  const of = {
    ratings: [
      { key: 'rating', name: 'Rating', cell: ({ rating }) => short(rating) },
      { key: 'expected', name: 'Expected', cell: ({ expected }) => number(expected) },
      { key: 'residual', name: 'Difference', cell: ({ residual }) => signed(residual) },
      { name: '', wide: true, kind: 'centred', cell: ({ residual }) => track(-max, max, residual) },
    ],
    counts: [{ key: 'rating', name: 'Times', cell: ({ rating }) => count(rating) }],
    events: [],
  };
  return [
    { key: 'item', name: 'Item', ascending: true, cell: (one) => el('a', { href: href(['item', one.id]) }, title(one)) },
    ...of[summary.kind],
    ...(hasTimes ? [{ key: 'time', name: 'When', wide: true, cell: ({ time }) => time }] : []),
  ];
}

function similar(users) {
  if (!users.length) return el('p', { class: 'soft' }, 'There is nobody else.');
  const row = (one) => el('tr', {},
    el('th', { scope: 'row' }, el('a', { href: href(['user', one.user]) }, `User ${one.user}`)),
    el('td', {}, number(one.similarity)),
    el('td', {}, count(one.ratings)), el('td', {}, count(one.common)));
  const heading = (name) => el('th', { scope: 'col' }, name);
  return [
    scrolling('Table of similar users', el('table', { class: 'numbers' },
      el('thead', {}, el('tr', {}, heading('User'), heading('Similarity'), heading('Ratings'), heading('In common'))),
      el('tbody', {}, ...users.map(row)))),
    el('p', { class: 'soft' }, 'Similarity is the expected correlation of two tastes: 1 if whatever one of them likes more than most, the other does too. The fewer ratings there are, the nearer to 0. In common: how many titles both have rated.'),
  ];
}
