import { requestCached } from '../api.js';
import { button, el, put } from '../dom.js';
import { plural, signed } from '../format.js';
import { rateInPlace } from '../rate_in_place.js';
import { href } from '../router.js';

const GAP = 14;

/** A card about one item that stands beside its point; `onClose` is called when it is closed. */
export function itemCard(summary, onClose) {
  const node = el('div', { class: 'map-card', role: 'group', tabindex: -1, hidden: true });
  const close = () => {
    node.hidden = true;
    onClose();
  };
  node.addEventListener('keydown', ({ key }) => key === 'Escape' && close());
  return {
    node,
    hide: () => { node.hidden = true; },
    /** Show a point's item; move the focus there if it was opened by hand. */
    async show(point, isPicked) {
      const facts = el('p', { class: 'soft' }, plural(point.ratings, 'rating'));
      node.setAttribute('aria-label', point.title);
      node.dataset.item = point.id;
      put(node,
        el('strong', {}, point.title),
        button('×', close, { class: 'close', 'aria-label': 'Close' }),
        facts,
        rateInPlace({ id: point.id, item: point.title }, summary),
        el('a', { href: href(['item', point.id]) }, 'All about it'));
      node.hidden = false;
      if (isPicked) node.focus({ preventScroll: true });
      const { columns } = await requestCached('map', { x: 'bias', y: 'ratings' });
      const place = columns.id.indexOf(point.id);
      if (place >= 0) facts.textContent = `Bias ${signed(columns.x[place])}, ${plural(point.ratings, 'rating')}`;
    },
    /** Move beside a place in the box, {x, y}; out of view, stay at the edge. */
    moveTo(place, { clientWidth, clientHeight }) {
      if (node.hidden) return;
      const { offsetWidth: width, offsetHeight: height } = node;
      const at = place ?? { x: 0, y: clientHeight };
      const beside = at.x + GAP + width < clientWidth ? at.x + GAP : at.x - GAP - width;
      const within = (value, most) => Math.round(Math.max(8, Math.min(value, most - 8)));
      node.style.left = `${within(beside, clientWidth - width)}px`;
      node.style.top = `${within(at.y + GAP, clientHeight - height)}px`;
    },
  };
}
