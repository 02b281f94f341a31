import { el } from './dom.js';
import { plural } from './format.js';
import { myRatings, onMyRatings, rate } from './my_ratings.js';
import { ratingControl } from './rating.js';
import { tryHref } from './router.js';

/** A control for the visitor's rating of an item, wherever it is shown; a button that picks it, where there are no ratings. */
export function rateInPlace({ id, title }, { scale }) {
  const value = myRatings().get(String(id));
  if (scale.length) return ratingControl({ title, scale, value, focusKey: `mine ${id}`, onRate: (given) => rate(id, given) });
  const button = el('button', { type: 'button', class: 'button quiet pick', 'data-focus-key': `mine ${id}` });
  const show = (isPicked) => {
    button.textContent = isPicked ? 'Picked' : 'Pick';
    button.setAttribute('aria-label', `Pick ${title}`);
    button.setAttribute('aria-pressed', String(isPicked));
  };
  button.addEventListener('click', () => {
    const isPicked = !myRatings().has(String(id));
    rate(id, isPicked ? 1 : null);
    show(isPicked);
  });
  show(value !== undefined);
  return button;
}

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
