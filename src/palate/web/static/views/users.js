import { latestOnly, request } from '../api.js';
import { announce, debounced, el, preservingFocus, renderInto } from '../dom.js';
import { count, hasRatings, historyText, plural } from '../format.js';
import { go, href } from '../router.js';

const PAGE_SIZE = 48;

export async function show(route, summary) {
  if (!summary.users) {
    return { title: 'Users', body: [el('p', { class: 'note' }, 'This model was saved without its users.')] };
  }
  const results = el('div', { class: 'results' });
  const input = el('input', { id: 'user-search', type: 'search', autocomplete: 'off', value: route.params.get('search') ?? '' });
  const latest = latestOnly();
  const redraw = (params) => renderInto(results, latest((signal) => userList(params, signal)));
  const refresh = (params) => preservingFocus(() => redraw(params), () => results.querySelector('a'));
  input.addEventListener('input', debounced(200, () => go(href(['users'], { search: input.value.trim() }), { replace: true })));
  return {
    title: 'Users',
    lead: `The ${count(summary.users)} people whose ${summary.scale.length ? 'ratings' : 'picks'} the model learned from. Choose one to see ${hasRatings(summary) ? 'their taste' : 'what they picked, and would pick next'}.`,
    body: [
      el('form', { class: 'filters', role: 'search', 'aria-label': 'Users', on: { submit: (event) => event.preventDefault() } },
        el('div', { class: 'field' }, el('label', { for: 'user-search' }, 'User id begins with'), input)),
      results,
    ],
    mounted: () => refresh(route.params),
    update: ({ params }) => {
      if (document.activeElement !== input) input.value = params.get('search') ?? '';
      return refresh(params);
    },
  };
}

async function userList(params, signal) {
  const [search, page] = [params.get('search') ?? '', Number(params.get('page') ?? 1)];
  const { users, total } = await request('users', { query: { search, page, size: PAGE_SIZE }, signal });
  announce(plural(total, 'user'));
  const card = ({ user, ratings, mean }) =>
    el('li', {}, el('a', { href: href(['user', user]), 'data-user': user },
      el('strong', {}, `User ${user}`),
      el('small', {}, historyText({ ratings, mean }))));
  return [
    el('p', { class: 'soft' }, plural(total, 'user')),
    el('ul', { class: 'people' }, ...users.map(card)),
    pager({ page, pages: Math.ceil(total / PAGE_SIZE), to: (n) => href(['users'], { search, page: n }) }),
  ];
}

/** Links to the previous and the next page; `to` returns the address of a page. */
export function pager({ page, pages, to }) {
  const link = (n, text) => (n >= 1 && n <= pages ? el('a', { class: 'button quiet', href: to(n), rel: text, 'data-focus-key': `page ${n} from ${page}` }, text) : null);
  if (pages < 2) return '';
  return el('nav', { class: 'pager', 'aria-label': 'Pages' },
    link(page - 1, 'Previous'), el('span', {}, `Page ${page} of ${pages}`), link(page + 1, 'Next'));
}
