/** What WeChat lays over a page: toast, dialogue, action sheet, requests for permission. */
import { el } from './dom.js';
import { say } from './phone.js';

const screen = () => document.getElementById('screen');

let toastTimer = 0;

/** @param {string} title @param {number} durationMs */
export function toast(title, durationMs) {
  clearTimeout(toastTimer);
  const box = document.getElementById('toast');
  box.textContent = title;
  box.hidden = false;
  toastTimer = setTimeout(() => {
    box.hidden = true;
  }, durationMs);
}

/**
 * Covers the screen until one of the buttons is used or Escape is pressed.
 * @template T
 * @param {string} kind CSS class of the box
 * @param {string} label
 * @param {(close: (answer: T) => void) => Node[]} fill
 * @param {T} onEscape
 * @returns {Promise<T>}
 */
function cover(kind, label, fill, onEscape) {
  return new Promise((resolve) => {
    const before = document.activeElement;
    const shade = el('div', { class: 'mp-shade' });
    const close = (answer) => {
      shade.remove();
      if (before instanceof HTMLElement) before.focus();
      resolve(answer);
    };
    const box = el('div', { class: `mp-box ${kind}`, role: 'dialog', 'aria-modal': 'true', 'aria-label': label, tabindex: '-1' }, ...fill(close));
    shade.append(box);
    shade.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') close(onEscape);
    });
    screen().append(shade);
    (box.querySelector('input') || box).focus();
  });
}

const action = (text, kind, onclick) => el('button', { type: 'button', class: `mp-action ${kind}`, text, onclick });

/** @param {{title?: string, content?: string, editable?: boolean, placeholderText?: string, confirmText?: string, cancelText?: string}} ask */
export function dialogue(ask) {
  const cancelled = { confirm: false, cancel: true, content: '' };
  return cover(
    'mp-dialogue',
    ask.title || ask.content || '',
    (close) => {
      const field = el('input', { class: 'mp-field', placeholder: ask.placeholderText, 'aria-label': ask.title });
      if (ask.editable) field.value = ask.content || '';
      const confirm = () => close({ confirm: true, cancel: false, content: field.value });
      field.addEventListener('keydown', (event) => {
        if (event.key !== 'Enter') return;
        // Else the same key would press the button that gets the focus back.
        event.preventDefault();
        confirm();
      });
      return [
        el('h2', { class: 'mp-title', text: ask.title || '' }),
        ask.editable ? field : el('p', { class: 'mp-content', text: ask.content || '' }),
        el('div', { class: 'mp-actions' }, action(ask.cancelText || say('cancel'), '', () => close(cancelled)), action(ask.confirmText || say('ok'), 'mp-strong', confirm)),
      ];
    },
    cancelled,
  );
}

/** @param {string[]} items @returns {Promise<number>} -1 when closed */
export function actionSheet(items) {
  return cover(
    'mp-sheet',
    items.join(', '),
    (close) => [...items.map((text, index) => action(text, '', () => close(index))), action(say('cancel'), 'mp-last', () => close(-1))],
    -1,
  );
}

/** @param {string} title @param {string} item what is asked for @returns {Promise<boolean>} */
export function permission(title, item) {
  return cover(
    'mp-sheet mp-permission',
    title,
    (close) => [
      el('h2', { class: 'mp-title', text: title }),
      el('p', { class: 'mp-content', text: item }),
      el('div', { class: 'mp-actions' }, action(say('refuse'), '', () => close(false)), action(say('allow'), 'mp-strong', () => close(true))),
    ],
    false,
  );
}
