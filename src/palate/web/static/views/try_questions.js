import { button, el } from '../dom.js';
import { hasRatings } from '../format.js';
import { ratingControl } from '../rating.js';

const PLACES = 8;
// Of so many informative items, those in the grid are the ones that most people know.
const ASKED = 20;

/**
 * A grid of titles to rate, or to pick. One that is answered makes place for another one, and all
 * others stay where they are.
 */
export function questionGrid(summary, words, { onRate, onSkip }) {
  const list = el('ul', { class: 'cards' }, ...Array.from({ length: PLACES }, () => el('li', { class: 'placeholder' })));
  const card = ({ id, item: title }) => el('li', { 'data-item': id },
    el('strong', {}, title),
    summary.scale.length
      ? ratingControl({ title, scale: summary.scale, focusKey: `ask ${id}`, onRate: (value) => onRate(id, value) })
      : button('Pick', () => onRate(id, 1), { 'aria-label': `Pick ${title}` }),
    button(words.skip, () => onSkip(id), { class: 'link', 'aria-label': `${words.skip}: ${title}` }));

  /** Show questions, the best first; of those shown, the ones that `isOpen` accepts keep their place. */
  const set = (found, isOpen, chosen) => {
    const first = chosen && String(chosen.id);
    const old = [...list.children];
    const staying = new Set(old.map(({ dataset }) => dataset.item).filter((id) => id && isOpen(id) && id !== first));
    const fresh = [chosen, ...found.filter(({ id }) => !staying.has(String(id)) && String(id) !== first)].filter(Boolean);
    if (chosen && list.firstChild?.dataset.item !== first) staying.delete(list.firstChild?.dataset.item);
    const cards = old.map((node) => (staying.has(node.dataset.item) ? node : null));
    while (cards.length < Math.min(PLACES, fresh.length)) cards.push(null);
    cards.forEach((node, place) => {
      const next = node ? null : fresh.shift();
      if (next) replace(list, place, card(next));
      else if (!node) list.children[place]?.classList.add('gone');
    });
    for (const node of list.querySelectorAll('.gone')) node.remove();
  };
  const focusFirst = () => list.querySelector('input, button')?.focus({ preventScroll: true });
  return { list, set, focusFirst, count: ASKED };
}

/** Put a card in a place of the list; if the one before had the focus, the new one gets it. */
function replace(list, place, node) {
  const before = list.children[place];
  const hadFocus = before?.contains(document.activeElement);
  if (before) before.replaceWith(node);
  else list.append(node);
  if (hadFocus) node.querySelector('input, button').focus({ preventScroll: true });
}

/** How clear the tastes of the visitor are, in words and as a bar. */
export function clarity(summary) {
  const text = el('strong', {});
  const bar = el('progress', { max: 1, value: 0, 'aria-label': 'How clear your tastes are' });
  const note = el('p', { class: 'soft' });
  const node = hasRatings(summary) && el('div', { class: 'clarity' }, text, bar, note);
  const set = ({ explained, more }, rated) => {
    text.textContent = inWords(more, rated);
    bar.value = rated ? rated / (rated + more) : 0;
    note.textContent = rated
      ? `Your ratings explain ${Math.round(100 * explained)}% of what the model can’t know of a stranger. At half, tastes count as clear.`
      : 'These are well known, and your ratings of them would tell the most.';
  };
  return { node, set, text };
}

function inWords(more, rated) {
  if (!rated) return 'Rate what you know';
  if (more === 0) return 'Your tastes are clear';
  return `About ${more} more until your tastes are clear`;
}
