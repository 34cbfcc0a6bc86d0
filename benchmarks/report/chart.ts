import { LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import type { Row, Table } from './result.ts'

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer])

const curves = [
  { script: 'sync', figure: 'p50', name: 'sync, posted: p50', color: '#1f5fbf' },
  { script: 'sync', figure: 'p99', name: 'sync, posted: p99', color: '#1f5fbf' },
  { script: 'async', figure: 'p50', name: 'async, accepted: p50', color: '#d07a00' },
  { script: 'async', figure: 'p99', name: 'async, accepted: p99', color: '#d07a00' },
  { script: 'async', figure: 'end to end p50', name: 'async, posted: p50', color: '#2b8a4b' },
  { script: 'async', figure: 'end to end p99', name: 'async, posted: p99', color: '#2b8a4b' },
]

/** Draws latency (logarithmic) against offered rate as an SVG: the rates at which nothing was dropped. p99 is dashed. */
export function latencyChart(table: Table, subtitle: string): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 900, height: 520 })
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      title: { text: 'Latency against rate (open loop)', subtext: subtitle, left: 'center' },
      legend: { bottom: 0 },
      grid: { left: 70, right: 30, top: 80, bottom: 110 },
      xAxis: { type: 'value', name: 'payments a second', nameLocation: 'middle', nameGap: 30 },
      yAxis: { type: 'log', name: 'ms' },
      series: curves.map(({ script, figure, name, color }) => ({
        type: 'line',
        name,
        color,
        data: pointsOf(table.rows, script, figure),
        lineStyle: { type: figure.endsWith('p99') ? 'dashed' : 'solid' },
      })),
    })
    return `${chart.renderToSVGString()}\n`
  } finally {
    chart.dispose()
  }
}

function pointsOf(rows: readonly Row[], script: string, figure: string): [number, number][] {
  return rows.flatMap((row) => {
    const [rate, ms] = [row['offered'], row[figure]]
    if (row['script'] !== script || row['dropped'] !== 0) return []
    return typeof rate === 'number' && typeof ms === 'number' ? [[rate, ms]] : []
  })
}
