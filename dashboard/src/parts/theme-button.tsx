import { nextTheme, theme } from "../theme";

const SHOWN = { system: "◐", light: "☀", dark: "☾" };

export function ThemeButton() {
  return (
    <button type="button" class="quiet" onClick={nextTheme} title="Change the theme" aria-label={`Theme: ${theme.value}. Change`}>
      <span aria-hidden="true">{SHOWN[theme.value]}</span>
    </button>
  );
}
