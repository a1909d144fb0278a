// SPDX-License-Identifier: MIT

package raw

// #cgo pkg-config: mtdb
import "C"
