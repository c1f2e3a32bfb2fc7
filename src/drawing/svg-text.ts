/** Cuts a bold text that may be wider than `widthMax` px; each character counts with the widest of its kind. */
export function shorten(content: string, widthMax: number, fontSize: number): string {
  const characters = [...content]
  let width = 0
  const fitting = characters.findIndex(character => {
    width += fontSize * (/[a-ln-vx-z0-9 .,:-]/.test(character) ? 0.72 : 1.15)
    return width > widthMax - fontSize
  })
  return fitting === -1 ? content : `${characters.slice(0, fitting).join('').trimEnd()}…`
}

/** Makes any string XML character data: markup is escaped, and what XML 1.0 forbids becomes U+FFFD. */
export function escapeXml(content: string): string {
  const escapes: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&apos;',
  }
  return content
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"']/g, character => escapes[character] ?? character)
}
