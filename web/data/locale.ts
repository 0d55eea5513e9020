/**
 * Imported before anything else. uPlot hands `navigator.language` to Intl while it loads, and Chromium that was started in
 * the POSIX locale names its language `en-US@posix`, which Intl refuses: the page would not come up at all.
 */
try {
  Intl.getCanonicalLocales(navigator.language)
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en' })
}
