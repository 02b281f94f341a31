import { latestOnly, request, requestBlob } from '../api.js';
import { ratingCounts, track } from '../charts.js';
import { busyButton, el, preservingFocus, renderInto, section } from '../dom.js';
import { count, hasRatings, historyText, number, short, signed } from '../format.js';
import { itemLink, userLink } from '../links.js';
import { formatRatings, myRatings } from '../my_ratings.js';
import { listSwitch, portrait, rankedBy, recommendations } from '../people.js';
import { go, href } from '../router.js';
import { curl, downloadButton, literal, python, snippets } from '../snippets.js';
import { countLine, pageOf, pager, table } from '../table.js';

const PAGE_SIZE = 25;
// As many ratings fit into an address that can still be shared.
const MAX_IN_ADDRESS = 200;
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
    lists.set(current.by, 'they');
    renderInto(recommended, latestList(async (signal) => {
      const body = { user: person.user, n: 10, by: current.by, reasons: true };
      return recommendations((await request('recommendations', { body, signal })).recommendations, { user: person.user }, summary, { who: 'they' });
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
      el('div', { class: 'actions' }, openInTry(person.user, summary), el('a', { class: 'button quiet', href: href(['compare', 'people'], { a: person.user }) }, 'Compare with ...')),
      el('p', { class: 'soft what-if' }, whatIf(summary)),
      person.portrait && el('div', { class: 'split' },
        el('div', { class: 'stack' }, section('Portrait', 'portrait', portraitOf(person, summary))),
        el('div', { class: 'stack' },
          section('How they rate', 'rating-counts', el('p', {}, COUNTS), counts),
          section('People with similar tastes', 'similar', likes))),
      section('Their history', 'history', entries),
      section('Recommended to them', 'recommendations', lists.node, lists.text, recommended),
      section('As code', 'code', el('p', { class: 'actions' }, code(person.user, summary))),
    ],
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
    const sort = hasRatings(summary) ? { sort: 'leverage' } : {};
    const { entries } = await request('histories', { query: { user, size: MAX_IN_ADDRESS, ...sort } });
    go(href(['try'], { r: formatRatings(new Map(entries.map(({ id, rating }) => [String(id), summary.scale.length ? rating : 1]))) }));
  };
  return busyButton('Open in Try it', open);
}

const whatIf = ({ scale }) =>
  `What if they had ${scale.length ? 'rated' : 'picked'} something else? Try it takes up to ${MAX_IN_ADDRESS} of their ${scale.length ? 'ratings, those that tell most of their taste' : 'items'}.${myRatings().size ? ' Your own ratings give way to theirs; the back button brings them back.' : ''}`;

/** Buttons that copy what is shown of a user as code. */
function code(user, summary) {
  const lines = [
    `person = model.user(${literal(user)})`,
    ...(hasRatings(summary) ? ['print(person.describe())', 'print(person.describe(len(person.rated)).surprises)', `print(model.similar_users(${literal(user)}))`] : []),
    'print(person.recommend(10, explain=True))',
  ];
  return snippets({ python: python(...lines), curl: curl('recommendations', { body: { user, n: 10, reasons: true } }) });
}

async function history(user, state, summary, { addressOf, signal }) {
  const order = { ...(state.sort && { sort: state.sort }), descending: state.descending };
  const { entries, total } = await request('histories', { query: { user, page: state.page, size: PAGE_SIZE, ...order }, signal });
  const pages = pager({ page: state.page, total, size: PAGE_SIZE, to: (page) => addressOf({ ...state, page }) });
  if (!pages) return undefined;
  const hasTimes = entries.some(({ time }) => time !== null);
  const sort = state.sort ?? (hasRatings(summary) || !hasTimes ? 'rating' : 'time');
  const chip = (one) => el('a', {
    class: 'chip', href: addressOf({ ...state, sort: one.sort, descending: one.descending, page: 1 }), 'data-focus-key': `order ${one.name}`,
    'aria-current': one.sort === sort && one.descending === state.descending ? 'true' : null,
  }, one.name);
  const orders = ORDERS.filter((one) => (one.sort === 'time' ? hasTimes : hasRatings(summary)));
  return [
    orders.length > 1 && el('nav', { class: 'chips-row', 'aria-label': 'Common orders' }, orders.map(chip)),
    countLine(total, summary.kind === 'ratings' ? 'rating' : 'item', downloadButton(`user-${user}.csv`, () => requestBlob('histories.csv', { user, ...order }))),
    table({
      label: hasRatings(summary) ? 'The history, with what is expected of each rating' : 'The history',
      columns: historyColumns(entries, summary, hasTimes),
      rows: entries,
      sort: { key: sort, descending: state.descending },
      onSort: (next) => go(addressOf({ ...state, sort: next.key, descending: next.descending, page: 1 })),
    }),
    hasRatings(summary) && el('p', { class: 'soft' }, 'Expected: what the model would expect if it knew all their ratings but this one.'),
    pages,
  ];
}

function historyColumns(entries, summary, hasTimes) {
  const max = 1.08 * Math.max(0.01, ...entries.map(({ residual }) => Math.abs(residual ?? 0)));
  const of = {
    ratings: [
      { key: 'rating', name: 'Rating', cell: ({ rating }) => short(rating) },
      { key: 'expected', name: 'Expected', cell: ({ expected }) => number(expected) },
      { key: 'residual', name: 'Difference', cell: ({ residual }) => signed(residual) },
      { wide: true, kind: 'centred', cell: ({ residual }) => track(-max, max, residual) },
    ],
    counts: [{ key: 'rating', name: 'Times', cell: ({ rating }) => count(rating) }],
    events: [],
  };
  return [
    { key: 'item', name: 'Item', ascending: true, cell: itemLink },
    ...of[summary.kind],
    ...(hasTimes ? [{ key: 'time', name: 'When', wide: true, cell: ({ time }) => time }] : []),
  ];
}

function similar(users) {
  if (!users.length) return el('p', { class: 'soft' }, 'There is nobody else.');
  const columns = [
    { name: 'User', cell: ({ user }) => userLink(user) },
    { name: 'Similarity', cell: ({ similarity }) => number(similarity) },
    { name: 'Ratings', cell: ({ ratings }) => count(ratings) },
    { name: 'In common', cell: ({ common }) => count(common) },
  ];
  return [
    table({ label: 'Similar users', columns, rows: users, rowAttributes: () => ({}) }),
    el('p', { class: 'soft' }, 'Similarity is the expected correlation of two tastes: 1 if whatever one of them likes more than most, the other does too. The fewer ratings there are, the nearer to 0. In common: how many titles both have rated.'),
  ];
}
