import { expect, test } from "vitest";
import { endpointFor } from "../../src/cam/protocol.ts";

test.each([
  [
    "https://cam.tencentcloudapi.com",
    "cam.tencentcloudapi.com",
    "https://sts.tencentcloudapi.com",
    "sts.tencentcloudapi.com",
  ],
  [
    "https://cam.intl.tencentcloudapi.com",
    "cam.intl.tencentcloudapi.com",
    "https://sts.intl.tencentcloudapi.com",
    "sts.intl.tencentcloudapi.com",
  ],
  [
    "https://cam.ap-guangzhou.tencentcloudapi.com:8443",
    "cam.ap-guangzhou.tencentcloudapi.com:8443",
    "https://sts.ap-guangzhou.tencentcloudapi.com:8443",
    "sts.ap-guangzhou.tencentcloudapi.com:8443",
  ],
  [
    "https://cam.tencentcloudapi.com.cn",
    "cam.tencentcloudapi.com.cn",
    "https://sts.tencentcloudapi.com.cn",
    "sts.tencentcloudapi.com.cn",
  ],
  // A private link and the emulator have another address under the public name.
  ["https://10.0.0.5", "cam.tencentcloudapi.com", "https://10.0.0.5", "sts.tencentcloudapi.com"],
  ["http://127.0.0.1:4100", "cam.tencentcloudapi.com", "http://127.0.0.1:4100", "sts.tencentcloudapi.com"],
  // An operator's own proxy has no sibling host for STS.
  [
    "https://cam.corp.example",
    "cam.tencentcloudapi.com",
    "https://cam.corp.example",
    "sts.tencentcloudapi.com",
  ],
  ["https://cam.corp.example", "cam.corp.example", "https://cam.corp.example", "cam.corp.example"],
  [
    "https://cam.tencentcloudapi.com.corp.example:1",
    "x",
    "https://cam.tencentcloudapi.com.corp.example:1",
    "x",
  ],
  ["http://127.0.0.1:4100", "127.0.0.1:4100", "http://127.0.0.1:4100", "127.0.0.1:4100"],
])(
  "for CAM at %s with the Host %s, STS is at %s with the Host %s",
  (origin, serviceHost, stsOrigin, stsHost) => {
    const cam = { origin, serviceHost };
    expect(endpointFor("sts", cam)).toEqual({ origin: stsOrigin, serviceHost: stsHost });
    expect(endpointFor("cam", cam)).toEqual(cam);
  },
);
