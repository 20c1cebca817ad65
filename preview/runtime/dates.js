/**
 * When a date field has been answered. A browser says "change" after every digit that makes a date of some sort; whoever
 * types has answered on leaving the field or with Enter, whoever picks a day from the calendar at once.
 */

const dateField = (event) => event.target instanceof HTMLInputElement && event.target.type === 'date' && event.target;

/** @param {(field: HTMLInputElement, value: string) => void} answered only with a date between `min` and `max` */
export function listenToDates(answered) {
  let typing = false;
  let waiting = false;

  function answer(field) {
    waiting = false;
    if (field.value && field.validity.valid) answered(field, field.value);
  }

  document.addEventListener('focusin', () => {
    typing = false;
    waiting = false;
  });
  document.addEventListener('keydown', (event) => {
    const field = dateField(event);
    if (!field) return;
    if (event.key === 'Enter' && waiting) {
      // Else the same key would press the button that gets the focus.
      event.preventDefault();
      answer(field);
    } else if (event.key !== 'Tab') {
      typing = true;
    }
  });
  document.addEventListener('change', (event) => {
    const field = dateField(event);
    if (!field) return;
    if (typing) waiting = true;
    else answer(field);
  });
  document.addEventListener('focusout', (event) => {
    const field = dateField(event);
    if (field && waiting) answer(field);
  });
}
