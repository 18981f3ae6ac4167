/** Labels and messages come from elsewhere: what others sent must not steer the terminal. Line breaks stay. */
export function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/g, '?');
}
