import { el } from './dom.js';

/** Download a table as CSV (RFC 4180); `rows` are arrays of values. */
export function downloadCsv(name, header, rows) {
  const cell = (value) => (/[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value ?? ''));
  const text = [header, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  el('a', { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}
