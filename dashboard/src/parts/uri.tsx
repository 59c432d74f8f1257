// A URI, and how it matches if not exactly.

export function Uri({ uri, match = "exact" }: { uri: string; match?: string }) {
  return <><code>{uri === "" ? "(empty)" : uri}</code>{match !== "exact" && <> <span class="pill">{match}</span></>}</>;
}
