import { latestOnly, request } from './api.js';
import { announce, debounced, el, newId, sentence } from './dom.js';
import { followers, historyText, plural } from './format.js';

/**
 * A text field with suggestions, by the combobox pattern of the ARIA Authoring Practices.
 *
 * Keys that are pressed before the suggestions for the text have come wait for them: Enter never takes
 * a suggestion for what was typed before.
 */
class Combobox {
  #find;
  #onPick;
  #noun;
  #list;
  #latest = latestOnly();
  #options = [];
  #active = -1;
  #asked = ''; // the text for which suggestions were requested last
  #shown = ''; // and the one whose suggestions are in the list
  #waiting = []; // what keys have asked for since

  constructor({ label, find, onPick, noun = 'title', hideLabel = false, placeholder = label, shortcut = null }) {
    const id = newId('combobox');
    this.#find = find;
    this.#onPick = onPick;
    this.#noun = noun;
    this.#list = el('ul', { id: `${id}-list`, role: 'listbox', 'aria-label': label, hidden: true });
    this.input = textField(id, placeholder, shortcut);
    const clear = () => {
      this.#clear();
      this.input.focus();
    };
    this.node = el('div', { class: 'combobox' },
      el('label', { for: id, class: hideLabel ? 'visually-hidden' : null }, label),
      el('div', { class: 'typed' }, this.input, shortcut && el('kbd', { 'aria-hidden': 'true' }, shortcut), clearButton(clear)),
      this.#list);
    this.#listen();
  }

  #listen() {
    const keys = {
      ArrowDown: () => this.#whenCurrent(() => this.#move(1)),
      ArrowUp: () => this.#whenCurrent(() => this.#move(-1)),
      Enter: () => this.#whenCurrent(() => this.#take()),
      Escape: () => (this.#list.hidden ? this.#clear() : this.#close()),
    };
    const searchSoon = debounced(120, () => this.#search());
    this.input.addEventListener('input', () => {
      this.#waiting = [];
      if (!this.#text) return this.#clear();
      this.#list.classList.toggle('stale', this.#shown !== this.#text);
      this.#activate(-1);
      return searchSoon();
    });
    this.input.addEventListener('click', () => this.#whenCurrent(() => this.#open()));
    this.input.addEventListener('blur', () => this.#close());
    this.input.addEventListener('keydown', (event) => {
      if (event.isComposing || !Object.hasOwn(keys, event.key)) return;
      event.preventDefault();
      keys[event.key]();
    });
  }

  get #text() {
    return this.input.value.trim();
  }

  async #search() {
    const text = this.#text;
    if (text === this.#asked) return;
    this.#asked = text;
    this.node.setAttribute('aria-busy', 'true');
    const found = await this.#latest((signal) => this.#find(text, signal)).catch((error) => error);
    if (found === undefined || text !== this.#asked) return; // a later search has taken over
    this.node.removeAttribute('aria-busy');
    if (text !== this.#text) return; // and here it starts in a moment
    if (found instanceof Error) {
      this.#asked = this.#shown = '';
      this.#waiting = [];
      this.#render([], sentence(found.message));
    } else {
      this.#shown = text;
      this.#render(found, `No ${this.#noun} like “${text}”`);
    }
  }

  #render(options, message) {
    this.#options = options;
    const rows = options.map((option, i) => optionRow(option, `${this.#list.id}-${i}`, () => this.#pick(option)));
    this.#list.replaceChildren(...(rows.length ? rows : [messageRow(message)]));
    this.#list.classList.remove('stale');
    this.#activate(-1);
    if (document.activeElement !== this.input) return;
    this.#open();
    announce(rows.length ? plural(rows.length, 'suggestion') : message);
    for (const act of this.#waiting.splice(0)) act();
  }

  /** Do something with the suggestions for the text as it is, once they are there. */
  #whenCurrent(act) {
    if (!this.#text) return;
    if (this.#shown === this.#text) {
      act();
    } else {
      this.#waiting.push(act);
      this.#search();
    }
  }

  #move(step) {
    const n = this.#options.length;
    this.#open();
    if (n) this.#activate(this.#active < 0 && step < 0 ? n - 1 : (this.#active + step + n) % n);
  }

  #take() {
    if (this.#list.hidden || !this.#options.length) this.#open();
    else this.#pick(this.#options[Math.max(0, this.#active)]);
  }

  #pick(option) {
    this.#clear();
    this.#onPick(option);
  }

  #activate(index) {
    this.#active = index;
    [...this.#list.children].forEach((row, i) => row.setAttribute('aria-selected', String(i === index)));
    this.input.removeAttribute('aria-activedescendant');
    if (index < 0) return;
    this.#list.children[index].scrollIntoView({ block: 'nearest' });
    this.input.setAttribute('aria-activedescendant', this.#list.children[index].id);
  }

  #open() {
    this.#list.hidden = false;
    this.input.setAttribute('aria-expanded', 'true');
  }

  #close() {
    this.#waiting = [];
    this.#list.hidden = true;
    this.input.setAttribute('aria-expanded', 'false');
    this.#activate(-1);
  }

  #clear() {
    this.input.value = '';
    this.#asked = this.#shown = '';
    this.#latest(() => undefined); // aborts the search in progress
    this.node.removeAttribute('aria-busy');
    this.#close();
  }
}

const combobox = (options) => new Combobox(options);

function textField(id, placeholder, shortcut) {
  const aria = { role: 'combobox', 'aria-expanded': 'false', 'aria-controls': `${id}-list`, 'aria-autocomplete': 'list', 'aria-keyshortcuts': shortcut };
  return el('input', { id, type: 'text', placeholder, ...aria, autocomplete: 'off', autocapitalize: 'off', enterkeyhint: 'search', spellcheck: 'false' });
}

const keepFocus = (event) => event.preventDefault(); // by default a press would blur the input

/** For the mouse and touch; on the keyboard Escape does the same. */
function clearButton(clear) {
  return el('button', { type: 'button', class: 'clear', tabindex: -1, 'aria-label': 'Clear the text', on: { mousedown: keepFocus, click: clear } }, '×');
}

function optionRow(option, id, pick) {
  return el('li', { id, role: 'option', 'aria-selected': 'false', on: { mousedown: keepFocus, click: pick } }, el('span', {}, option.label), el('small', {}, option.note));
}

function messageRow(message) {
  return el('li', { role: 'option', 'aria-disabled': 'true', class: 'message', on: { mousedown: keepFocus } }, message);
}

/** A combobox of the items. */
export function itemCombobox(options) {
  return combobox({ find: findItems, placeholder: 'Type a title', ...options });
}

async function findItems(search, signal) {
  const { items } = await request('items', { query: { search, size: 8 }, signal });
  return items.map((one) => ({ ...one, label: one.item, note: followers(one) }));
}

/** A combobox of the known users. */
export function userCombobox(options) {
  return combobox({ find: findUsers, noun: 'user', placeholder: 'Type a user id', ...options });
}

async function findUsers(search, signal) {
  const { users } = await request('users', { query: { search, size: 8 }, signal });
  return users.map((one) => ({ ...one, label: `User ${one.user}`, note: historyText(one) }));
}
