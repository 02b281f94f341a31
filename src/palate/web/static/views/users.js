import { ask, latest } from '../api.js';
import { debounced, el, into, keepingFocus, say } from '../dom.js';
import { count, number, plural } from '../format.js';
import { go, href } from '../router.js';

const SIZE = 48;

export async function show(route, summary) {
  if (!summary.users) {
    return { title: 'Users', body: [el('p', { class: 'note' }, 'This model was saved without its users.')] };
  }
  const results = el('div', { class: 'results', 'aria-busy': 'true' });
  const input = el('input', { id: 'user-search', type: 'search', autocomplete: 'off', value: route.params.get('search') ?? '' });
  const only = latest();
  const redraw = (params) => into(results, only((signal) => found(params, signal)));
  const list = (params) => keepingFocus(() => redraw(params), () => results.querySelector('a'));
  input.addEventListener('input', debounced(200, () => go(href(['users'], { search: input.value.trim() }), { replace: true })));
  return {
    title: 'Users',
    lead: `The ${count(summary.users)} people whose ratings the model learned from. Choose one to see their tastes.`,
    body: [
      el('form', { class: 'filters', role: 'search', 'aria-label': 'Users', on: { submit: (event) => event.preventDefault() } },
        el('div', { class: 'field' }, el('label', { for: 'user-search' }, 'User id begins with'), input)),
      results,
    ],
    mounted: () => list(route.params),
    update: ({ params }) => {
      if (document.activeElement !== input) input.value = params.get('search') ?? '';
      return list(params);
    },
  };
}

async function found(params, signal) {
  const [search, page] = [params.get('search') ?? '', Number(params.get('page') ?? 1)];
  const { users, total } = await ask('users', { query: { search, page, size: SIZE }, signal });
  say(plural(total, 'user'));
  const card = ({ user, ratings, mean }) =>
    el('li', {}, el('a', { href: href(['user', user]), 'data-user': user },
      el('strong', {}, `User ${user}`),
      el('small', {}, `${plural(ratings, 'rating')}, ${number(mean)} on average`)));
  return [
    el('p', { class: 'soft' }, plural(total, 'user')),
    el('ul', { class: 'people' }, ...users.map(card)),
    pager({ page, pages: Math.ceil(total / SIZE), to: (n) => href(['users'], { search, page: n }) }),
  ];
}

/** Links to the pages before and after. */
export function pager({ page, pages, to }) {
  const link = (n, text) => (n >= 1 && n <= pages ? el('a', { class: 'button quiet', href: to(n), rel: text, 'data-keep': `page ${n} from ${page}` }, text) : null);
  if (pages < 2) return '';
  return el('nav', { class: 'pager', 'aria-label': 'Pages' },
    link(page - 1, 'Previous'), el('span', {}, `Page ${page} of ${pages}`), link(page + 1, 'Next'));
}
