/** Where the service is: beside the page, whatever path a proxy puts it under. */
export function base(): string {
  return new URL(".", document.baseURI).href.replace(/\/$/, "");
}
