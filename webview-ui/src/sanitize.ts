import DOMPurify from 'dompurify';
import { Marked } from 'marked';

/** What is rendered of a text; longer ones would stop the page for seconds, and nobody reads that far. */
export const longestRendered = 200_000;

const allowedTags =
  'h1 h2 h3 h4 h5 h6 p br hr blockquote pre code em strong del ul ol li table thead tbody tr th td a span'.split(
    ' ',
  );

/** Pages have headings of their own above. */
const headingShift = 2;

const marked = new Marked({
  gfm: true,
  async: false,
  walkTokens(token) {
    if (token.type === 'heading') token['depth'] = Math.min(6, Number(token['depth']) + headingShift);
  },
  renderer: {
    // HTML in a text is text: what an agent writes about HTML is to be read.
    html: ({ text }) => escaped(text),
    // Nothing is loaded from anywhere: the image's words and address stand in its place.
    image: ({ text, href }) => escaped(`[image: ${text === '' ? href : text}]`),
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
  },
});

/**
 * Markdown of a model's or repository's making as HTML that can do nothing: no scripts, styles, images, forms or
 * handlers, and links to http(s) and mail alone.
 */
export function renderMarkdown(markdown: string): string {
  const html = toHtml(markdown.slice(0, longestRendered));
  const clean = DOMPurify.sanitize(html, {
    ALLOWED_TAGS: allowedTags,
    ALLOWED_ATTR: ['href', 'title', 'start'],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    // A list's first number would be taken for an address.
    ADD_URI_SAFE_ATTR: ['start'],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  // What scrolls sideways must be reachable with the keyboard.
  for (const block of clean.querySelectorAll('pre')) block.setAttribute('tabindex', '0');
  const holder = document.createElement('div');
  holder.append(clean);
  return holder.innerHTML;
}

function toHtml(markdown: string): string {
  try {
    return marked.parse(markdown) as string;
  } catch (error) {
    // Thousands of quotes within quotes: what is too deep to be formatted is shown as it is.
    if (error instanceof RangeError) return `<pre>${escaped(markdown)}</pre>`;
    throw error;
  }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
