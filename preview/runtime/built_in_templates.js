/** WXML of the elements that the phone brings along and a browser does not have. */
export const templates = {
  image:
    '<img class="wx-image-{{mode}}" loading="{{lazyLoad ? \'lazy\' : \'eager\'}}" src="{{address}}" alt="{{ariaLabel}}"' +
    ' bind:broken="broken" />',
  switch:
    '<button type="button" class="wx-switch" role="switch" aria-checked="{{checked ? \'true\' : \'false\'}}"' +
    ' aria-label="{{ariaLabel}}" bind:tap="toggle"><view class="wx-switch-knob" /></button>',
  picker:
    '<slot /><input class="wx-picker-input" type="date" min="{{start}}" max="{{end}}" aria-label="{{ariaLabel}}"' +
    ' bind:picked="changed" />',
};
