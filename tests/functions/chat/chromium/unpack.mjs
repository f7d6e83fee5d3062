// Unpacks the Chromium of the lock file, with its libraries, into the folder TMPDIR. The libraries are
// unpacked only where AWS_LAMBDA_JS_RUNTIME names a system that lacks them.

import chromium from "@sparticuz/chromium";

await chromium.executablePath();
