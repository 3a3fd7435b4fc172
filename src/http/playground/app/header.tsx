import type { PlaygroundBanner } from "../boot-data.ts";
import iconUrl from "./icon.svg";

/** Names the product and says, before anything is run, whether changes made here are real. */
export function Header({ banner }: { banner: PlaygroundBanner }) {
  return (
    <header className="header">
      <img src={iconUrl} alt="" width="20" height="20" />
      <h1>CAM MFA gateway</h1>
      {banner.target === "emulator" ? (
        <p className="banner banner-emulator">
          <strong>Local mode</strong>: talking to the embedded CAM emulator. Nothing reaches Tencent Cloud.
        </p>
      ) : (
        <p className="banner banner-cam">
          <strong>Live</strong>: talking to <code>{banner.endpoint}</code>. Mutations change real users.
        </p>
      )}
    </header>
  );
}
