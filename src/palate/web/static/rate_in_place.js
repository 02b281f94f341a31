import { button, el } from './dom.js';
import { plural } from './format.js';
import { itemLink } from './links.js';
import { myRatings, onMyRatings, rate } from './my_ratings.js';
import { ratingControl } from './rating.js';
import { tryHref } from './router.js';

/** A control for the visitor's rating of an item, wherever it is shown; a button that picks it, where there are no ratings. */
export function rateInPlace({ id, item: title }, { scale }) {
  const isPicked = () => myRatings().has(String(id));
  if (scale.length) return ratingControl({ title, scale, value: myRatings().get(String(id)), focusKey: `mine ${id}`, onRate: (given) => rate(id, given) });
  const show = () => {
    node.textContent = isPicked() ? 'Picked' : 'Pick';
    node.setAttribute('aria-pressed', String(isPicked()));
  };
  const toggle = () => {
    rate(id, isPicked() ? null : 1);
    show();
  };
  const node = button('', toggle, { class: 'button quiet pick', 'aria-label': `Pick ${title}`, 'data-focus-key': `mine ${id}` });
  show();
  return node;
}

/** A list of items with the ratings that somebody has given; `onRate` gets an id and another rating, or null. */
export const ratedList = (items, ratingOf, { scale }, onRate) => el('ul', { class: 'rated' }, items.map((one) => el('li', { 'data-item': one.id }, itemLink(one),
  scale.length
    ? ratingControl({ title: one.item, scale, value: ratingOf(one.id), focusKey: `rated ${one.id}`, onRate: (value) => onRate(one.id, value) })
    : button('Remove', () => onRate(one.id, null), { class: 'link', 'aria-label': `Remove ${one.item}`, 'data-focus-key': `remove ${one.id}` }))));

/** A line on how much the visitor has rated, with a link to what follows from it; `close` ends its updates. */
export function mySummary({ scale }) {
  const node = el('p', { class: 'soft mine', role: 'status' });
  const show = (ratings) => {
    const given = `You have ${scale.length ? `rated ${plural(ratings.size, 'title')}` : `picked ${plural(ratings.size, 'title')}`}. `;
    node.replaceChildren(...(ratings.size ? [given, el('a', { href: tryHref(), 'data-focus-key': 'mine' }, 'See what suits you')] : []));
  };
  show(myRatings());
  return { node, close: onMyRatings(show) };
}
