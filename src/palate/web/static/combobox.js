import { ask, latest } from './api.js';
import { debounced, el, newId, say } from './dom.js';
import { plural, titles } from './format.js';

/** A box to type into that suggests; the pattern is the combobox of the ARIA practices. */
export function combobox({ label, find, onPick, bare = false, placeholder = label }) {
  const id = newId('combobox');
  const list = el('ul', { id: `${id}-list`, role: 'listbox', 'aria-label': label, hidden: true });
  const input = el('input', {
    id,
    type: 'text',
    role: 'combobox',
    'aria-expanded': 'false',
    'aria-controls': `${id}-list`,
    'aria-autocomplete': 'list',
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder,
  });
  const only = latest();
  let options = [];
  let active = -1;

  const close = () => {
    list.hidden = true;
    active = -1;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  };
  const pick = (option) => {
    input.value = '';
    options = [];
    close();
    onPick(option);
  };
  const move = (to) => {
    if (!options.length) return;
    active = (to + options.length) % options.length;
    [...list.children].forEach((row, i) => row.setAttribute('aria-selected', String(i === active)));
    list.children[active].scrollIntoView({ block: 'nearest' });
    input.setAttribute('aria-activedescendant', list.children[active].id);
  };
  const show = (found) => {
    options = found;
    active = -1;
    input.removeAttribute('aria-activedescendant');
    list.replaceChildren(...found.map((option, i) => row(option, `${id}-${i}`, pick)));
    list.hidden = found.length === 0;
    input.setAttribute('aria-expanded', String(found.length > 0));
    say(found.length ? `${plural(found.length, 'suggestion')}` : 'Nothing found');
  };
  const look = debounced(150, async () => {
    const text = input.value.trim();
    if (!text) return close();
    const found = await only((signal) => find(text, signal)).catch(() => []);
    if (found) show(found);
    return undefined;
  });
  const keys = {
    ArrowDown: () => (list.hidden ? look() : move(active + 1)),
    ArrowUp: () => move(active < 0 ? -1 : active - 1),
    Enter: () => options.length && !list.hidden && pick(options[Math.max(0, active)]),
    Escape: () => {
      if (list.hidden) input.value = '';
      close();
    },
  };
  input.addEventListener('input', look);
  input.addEventListener('blur', close);
  input.addEventListener('keydown', (event) => {
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
  const name = el('label', { for: id, class: bare ? 'unseen' : null }, label);
  return { node: el('div', { class: 'combobox' }, name, input, list), input };
}

function row(option, id, pick) {
  const mousedown = (event) => event.preventDefault(); // which would blur the input
  return el(
    'li',
    { id, role: 'option', 'aria-selected': 'false', on: { mousedown, click: () => pick(option) } },
    el('span', {}, option.label),
    el('small', {}, option.note),
  );
}

/** A combobox of the items. */
export function itemCombobox(options) {
  return combobox({ find: findItems, placeholder: 'Type a title', ...options });
}

async function findItems(search, signal) {
  const query = { search, sort: 'ratings', size: 8 };
  const { items } = await ask('items', { query, signal });
  const title = titles(items);
  return items.map((one) => ({ ...one, label: title(one), note: plural(one.ratings, 'rating') }));
}
