import {
  type CSSVariablesResolver,
  createTheme,
  defaultVariantColorsResolver,
  parseThemeColor,
  type VariantColorsResolver,
} from '@mantine/core';

/** Text on a tint of its own colour: dark enough, or light enough, to be read (WCAG 2.2, 1.4.3), which the default of some colours is not. */
const variantColorResolver: VariantColorsResolver = (input) => {
  const resolved = defaultVariantColorsResolver(input);
  if (input.variant !== 'light') return resolved;
  const { isThemeColor, color } = parseThemeColor({
    color: input.color ?? input.theme.primaryColor,
    theme: input.theme,
  });
  if (!isThemeColor) return resolved;
  const name = `--mantine-color-${color}`;
  return { ...resolved, color: `light-dark(color-mix(in srgb, var(${name}-9), black 40%), var(${name}-1))` };
};

const closeButtonProps = { 'aria-label': 'Close' };

/** Not blurred: where there is no graphics card, each key that is typed above it would take half a second to be seen. */
const overlayProps = { backgroundOpacity: 0.4, blur: 0 };

export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 7, dark: 8 },
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  cursorType: 'pointer',
  // Who asked their system for less motion gets dialogs and menus at once.
  respectReducedMotion: true,
  // On filled surfaces text is black or white, whichever can be read.
  autoContrast: true,
  variantColorResolver,
  // Named and not imported: what is on no page is not loaded.
  components: {
    Badge: { defaultProps: { variant: 'light', radius: 'sm', tt: 'none', fw: 600 } },
    Drawer: { defaultProps: { closeButtonProps, overlayProps } },
    // What would take the focus first is no item of the menu.
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
    Modal: { defaultProps: { centered: true, closeButtonProps, overlayProps } },
    Spotlight: { defaultProps: { overlayProps } },
    Notification: { defaultProps: { closeButtonProps } },
    // What scrolls can be reached, and scrolled, by the keyboard.
    ScrollArea: { defaultProps: { viewportProps: { tabIndex: 0 } } },
    Table: { defaultProps: { verticalSpacing: 'xs', highlightOnHover: true } },
    Tooltip: {
      defaultProps: {
        openDelay: 300,
        withArrow: true,
        multiline: true,
        maw: 360,
        events: { hover: true, focus: true, touch: true },
      },
    },
  },
});

/** What is of second importance is to be read all the same. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': 'var(--mantine-color-gray-7)',
    '--mantine-color-placeholder': 'var(--mantine-color-gray-7)',
    '--mantine-color-error': 'var(--mantine-color-red-9)',
    '--mantine-color-anchor': 'var(--mantine-color-indigo-8)',
  },
  dark: {
    '--mantine-color-dimmed': 'var(--mantine-color-gray-5)',
    '--mantine-color-placeholder': 'var(--mantine-color-gray-5)',
    '--mantine-color-anchor': 'var(--mantine-color-indigo-3)',
  },
});
