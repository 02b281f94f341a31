import { el, put } from './dom.js';
import { plural } from './format.js';
import { go } from './router.js';

const MAX_PAGE = 1_000_000;

/** A region that scrolls horizontally where its content is too wide. */
const scrolling = (label, ...children) => el('div', { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': label }, ...children);

/**
 * A table. A column has a name, `cell(row)` and, if the table can be sorted by it, a `key`; `ascending`
 * says that its lowest values come first, and `wide` that a phone has no room for it. The first column
 * names the row. `sort` is {key, descending}, and `onSort` gets another one.
 */
export function table({ label, columns, rows, sort, onSort, kind = '', rowAttributes = ({ id }) => ({ 'data-item': id }) }) {
  const classOf = ({ wide, kind: own }) => [wide && 'wide', own].filter(Boolean).join(' ') || null;
  const heading = (column) => {
    const { key, name, ascending } = column;
    if (!name) return el('td', { class: classOf(column) }); // of a drawing of what stands beside it
    if (!key) return el('th', { scope: 'col', class: classOf(column) }, name);
    const isCurrent = sort.key === key;
    const next = { key, descending: isCurrent ? !sort.descending : !ascending };
    return el('th', { scope: 'col', class: classOf(column), 'aria-sort': isCurrent ? (sort.descending ? 'descending' : 'ascending') : null },
      el('button', { type: 'button', 'data-sort': key, 'data-focus-key': `sort ${key}`, on: { click: () => onSort(next) } }, name, el('span', { 'aria-hidden': 'true', class: 'sort-arrow' })));
  };
  const cell = (column, i, one) => el(i ? 'td' : 'th', { scope: i ? null : 'row', class: classOf(column) }, column.cell(one));
  return scrolling(label, el('table', { class: `numbers ${sort ? 'sortable' : ''} ${kind}` },
    el('caption', { class: 'visually-hidden' }, label),
    el('thead', {}, el('tr', {}, columns.map(heading))),
    el('tbody', {}, rows.map((one) => el('tr', rowAttributes(one), columns.map((column, i) => cell(column, i, one)))))));
}

/** Return the page that an address names. */
export const pageOf = (params) => Math.min(MAX_PAGE, Math.max(1, Math.floor(Number(params.get('page'))) || 1));

/**
 * Links to the previous and the next page; `to` returns the address of a page. Undefined if the page lies
 * beyond the end: the page then goes to the last one.
 */
export function pager({ page, total, size, to }) {
  const pages = Math.max(1, Math.ceil(total / size));
  if (page > pages) return go(to(pages), { replace: true });
  const link = (n, text) => n >= 1 && n <= pages && el('a', { class: 'button quiet', href: to(n), rel: text === 'Next' ? 'next' : 'prev', 'data-focus-key': `page ${n} from ${page}` }, text);
  const node = el('nav', { class: 'pager', 'aria-label': 'Pages', hidden: pages < 2 });
  return put(node, link(page - 1, 'Previous'), el('span', {}, `Page ${page} of ${pages}`), link(page + 1, 'Next'));
}

/** How many there are, and what can be done with them all. */
export const countLine = (total, one, ...actions) =>
  el('div', { class: 'count-line' }, el('p', { class: 'soft', 'data-total': total }, plural(total, one)), ...actions);
