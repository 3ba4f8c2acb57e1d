/**
 * The registry that an image reference names, as `docker login` and our credentials write it. A first component is a host
 * only where it looks like one (distribution/reference, `splitDockerDomain`); all else is on Docker Hub.
 */
export function registryOf(image: string): string {
  const slash = image.indexOf('/');
  const first = slash === -1 ? '' : image.slice(0, slash);
  return first === 'localhost' || /[.:]/.test(first) ? first : 'docker.io';
}
