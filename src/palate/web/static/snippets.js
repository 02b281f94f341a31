import { el } from './dom.js';

const SHOWN_FOR = 2000;

/** A button that copies a text, or what a function returns when it is pressed. */
export function copyButton(name, text) {
  const button = el('button', { type: 'button', class: 'button quiet' }, name);
  const status = el('span', { class: 'visually-hidden', role: 'status' });
  const fallback = el('textarea', { readonly: true, hidden: true, rows: 6, 'aria-label': `${name}: the text` });
  let timer;
  button.addEventListener('click', async () => {
    const content = typeof text === 'function' ? text() : text;
    const isCopied = await copied(content);
    fallback.hidden = isCopied;
    if (isCopied) {
      clearTimeout(timer);
      status.textContent = 'Copied';
      button.textContent = 'Copied';
      timer = setTimeout(() => {
        button.textContent = name;
        status.textContent = '';
      }, SHOWN_FOR);
    } else {
      fallback.value = content;
      fallback.select();
    }
  });
  return el('span', { class: 'copy' }, button, status, fallback);
}

/** Copy a text; return whether the browser allows that, which it does not where the page came by plain HTTP from another machine. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Buttons that copy what is shown as code; `python` and `curl` are texts, or functions that return them. */
export function snippets({ python, curl }) {
  return [python && copyButton('Copy as Python', python), curl && copyButton('Copy as curl', curl)].filter(Boolean);
}

/** A button that downloads a table as CSV; `rows` returns its rows, the first with the names of the columns. */
export function downloadButton(name, file, rows) {
  const download = () => {
    const address = URL.createObjectURL(new Blob([csv(rows())], { type: 'text/csv' }));
    el('a', { href: address, download: file }).click();
    URL.revokeObjectURL(address);
  };
  return el('button', { type: 'button', class: 'button quiet', on: { click: download } }, name);
}

const csv = (rows) => rows.map((row) => `${row.map(csvField).join(',')}\r\n`).join('');

function csvField(value) {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
