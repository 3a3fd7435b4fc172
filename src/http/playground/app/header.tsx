import type { PlaygroundBanner } from "../boot-data.ts";
import iconUrl from "./icon.svg";

/** Names the product and says, before anything is run, whether changes made here are real. */
export function Header({ banner }: { banner: PlaygroundBanner }) {
  return (
    <header className="header">
      <img src={iconUrl} alt="" width="20" height="20" />
      <h1>CAM MFA gateway</h1>
      {describe(banner)}
    </header>
  );
}

/** A narrow window only shows the first word of what is harmless. */
function describe(banner: PlaygroundBanner) {
  switch (banner.target) {
    case "emulator":
      return (
        <p className="banner banner-emulator">
          <strong>Local mode</strong>
          <span>: talking to the embedded CAM emulator. Nothing reaches Tencent Cloud.</span>
        </p>
      );
    case "graph":
      return (
        <p className="banner banner-emulator">
          <strong>Federated</strong>
          <span>
            : the gateway and a directory of employees behind {banner.router}. Nothing reaches Tencent Cloud.
          </span>
        </p>
      );
    case "cam":
      return (
        <p className="banner banner-cam">
          <strong>Live</strong>: talking to <code>{banner.endpoint}</code>. Mutations change real users.
        </p>
      );
  }
}
