//go:build tools

package influxd

import _ "github.com/influxdata/influxdb/v2/cmd/influxd"
