/**
 * Gives every `<style>` element that a script creates the page's nonce; without it the content security policy
 * drops it. Monaco and the dialogs make such elements and offer no way to pass a nonce.
 */
export function stampStyleElements(nonce: string): void {
  const createElement = document.createElement.bind(document);
  document.createElement = (tag: string, options?: ElementCreationOptions) => {
    const element = createElement(tag, options);
    if (element instanceof HTMLStyleElement) {
      element.nonce = nonce;
    }
    return element;
  };
}
