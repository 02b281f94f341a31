import { latestOnly, request } from '../api.js';
import { track } from '../charts.js';
import { announce, debounced, el, preservingFocus, renderInto } from '../dom.js';
import { count, hasRatings, number, plural, signed } from '../format.js';
import { userLink } from '../links.js';
import { go, href } from '../router.js';
import { countLine, pageOf, pager, table } from '../table.js';

const PAGE_SIZE = 50;

const stateOf = (params) => ({
  search: params.get('search') ?? '',
  sort: params.get('sort') ?? 'ratings',
  descending: params.get('descending') !== 'false',
  page: pageOf(params),
});

const addressOf = ({ search, sort, descending, page }) =>
  href(['users'], { search, sort: sort === 'ratings' ? null : sort, descending: descending ? null : false, page: page > 1 ? page : null });

export async function show(route, summary) {
  if (!summary.users) {
    return { title: 'Users', body: [el('p', { class: 'note' }, 'This model was saved without its users.')] };
  }
  let current = stateOf(route.params);
  const results = el('div', { class: 'results' });
  const input = el('input', { id: 'user-search', type: 'search', autocomplete: 'off', value: current.search });
  const latest = latestOnly();
  const redraw = () => renderInto(results, latest((signal) => userList(current, summary, signal)));
  const refresh = () => preservingFocus(redraw, () => results.querySelector('.scroll'));
  input.addEventListener('input', debounced(200, () => go(addressOf({ ...current, search: input.value.trim(), page: 1 }), { replace: true })));
  return {
    title: 'Users',
    lead: `The ${count(summary.users)} people whose ${summary.scale.length ? 'ratings' : 'picks'} the model learned from. Choose one to see ${hasRatings(summary) ? 'their taste' : 'what they picked, and would pick next'}.`,
    body: [
      el('form', { class: 'filters', role: 'search', 'aria-label': 'Users', on: { submit: (event) => event.preventDefault() } },
        el('div', { class: 'field' }, el('label', { for: 'user-search' }, 'User id begins with'), input)),
      results,
    ],
    mounted: refresh,
    update: ({ params }) => {
      current = stateOf(params);
      if (document.activeElement !== input) input.value = current.search;
      return refresh();
    },
  };
}

async function userList(state, summary, signal) {
  const { search, sort, descending, page } = state;
  const { users, total } = await request('users', { query: { search, sort, descending, page, size: PAGE_SIZE }, signal });
  const pages = pager({ page, total, size: PAGE_SIZE, to: (n) => addressOf({ ...state, page: n }) });
  if (!pages) return undefined;
  announce(plural(total, 'user'));
  if (!total) return el('p', { class: 'note', 'data-total': 0 }, `No user’s id begins with “${search}”.`);
  const people = table({
    label: 'Users, and how they rate',
    columns: [
      { key: 'user', name: 'User', ascending: true, kind: 'user', cell: ({ user }) => userLink(user) },
      { key: 'ratings', name: hasRatings(summary) ? 'Ratings' : 'Items', cell: ({ ratings }) => count(ratings) },
      ...(hasRatings(summary) ? ratingColumns(users) : []),
    ],
    rows: users,
    rowAttributes: () => ({}),
    sort: { key: sort, descending },
    onSort: (next) => go(addressOf({ ...state, sort: next.key, descending: next.descending, page: 1 })),
  });
  return [countLine(total, 'user'), people, hasRatings(summary) && el('p', { class: 'soft' }, EXPLANATION), pages];
}

const EXPLANATION = 'Rating habit: how much higher or lower than the average person they rate the same things. Typically off by: how far their ratings lie from what the model expects of them; a small number means that they are easy to predict.';

function ratingColumns(users) {
  const [habit, spread] = ['bias', 'spread'].map((name) => 1.08 * Math.max(...users.map((one) => Math.abs(one[name] ?? 0)), 0.01));
  const hasSpread = users.some((one) => one.spread !== null);
  return [
    { key: 'mean', name: 'Mean', cell: ({ mean }) => number(mean) },
    { key: 'bias', name: 'Rating habit', cell: ({ bias }) => signed(bias) },
    { wide: true, kind: 'centred', cell: ({ bias }) => track(-habit, habit, bias) },
    ...(hasSpread ? [
      { key: 'spread', name: 'Typically off by', ascending: true, cell: (one) => number(one.spread) },
      { wide: true, cell: (one) => track(0, spread, one.spread) },
    ] : []),
  ];
}
