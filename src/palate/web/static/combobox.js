import { latestOnly, request } from './api.js';
import { announce, debounced, el, newId } from './dom.js';
import { followers, plural, titles } from './format.js';

/** A text field with suggestions, by the combobox pattern of the ARIA Authoring Practices. */
export function combobox({ label, find, onPick, hideLabel = false, placeholder = label }) {
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
  const latest = latestOnly();
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
  const activate = (index) => {
    if (!options.length) return;
    active = (index + options.length) % options.length;
    [...list.children].forEach((row, i) => row.setAttribute('aria-selected', String(i === active)));
    list.children[active].scrollIntoView({ block: 'nearest' });
    input.setAttribute('aria-activedescendant', list.children[active].id);
  };
  const open = (found) => {
    options = found;
    active = -1;
    input.removeAttribute('aria-activedescendant');
    list.replaceChildren(...found.map((option, i) => row(option, `${id}-${i}`, pick)));
    list.hidden = found.length === 0;
    input.setAttribute('aria-expanded', String(found.length > 0));
    announce(found.length ? plural(found.length, 'suggestion') : 'Nothing found');
  };
  const search = debounced(150, async () => {
    const text = input.value.trim();
    if (!text) return close();
    const found = await latest((signal) => find(text, signal)).catch(() => []);
    if (found) open(found);
    return undefined;
  });
  const keys = {
    ArrowDown: () => (list.hidden ? search() : activate(active + 1)),
    ArrowUp: () => activate(active < 0 ? -1 : active - 1),
    Enter: () => options.length && !list.hidden && pick(options[Math.max(0, active)]),
    Escape: () => {
      if (list.hidden) input.value = '';
      close();
    },
  };
  input.addEventListener('input', search);
  input.addEventListener('blur', close);
  input.addEventListener('keydown', (event) => {
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
  const name = el('label', { for: id, class: hideLabel ? 'visually-hidden' : null }, label);
  return { node: el('div', { class: 'combobox' }, name, input, list), input };
}

function row(option, id, pick) {
  const mousedown = (event) => event.preventDefault(); // the default would blur the input
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
  const query = { search, size: 8 };
  const { items } = await request('items', { query, signal });
  const title = titles(items);
  return items.map((item) => ({ ...item, label: title(item), note: followers(item) }));
}
