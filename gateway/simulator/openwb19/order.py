"""The order in which a 1.9 says its topics within a burst, without the prefix.

It comes from the box's own lists: first those of ``loadvars.sh`` as they stand there, then the settings, then the
heartbeat, then those of ``pubmqtt.sh``, last its hardware and the graph. Settings and ``pubmqtt.sh`` go through
tables of the shell, whose order is that of its hashes: no sense in it, but always the same.
"""

from typing import Final

_TOPICS = """
    pv/W evu/W lp/1/W ChargeStatus global/ChargeMode global/WHouseConsumption lp/2/W lp/3/W global/WAllChargePoints
    housebattery/W housebattery/%Soc lp/1/%Soc lp/2/%Soc lp/1/kWhDailyCharged lp/2/kWhDailyCharged
    lp/3/kWhDailyCharged lp/1/TimeRemaining lp/2/TimeRemaining lp/3/TimeRemaining lp/1/kmCharged lp/2/kmCharged
    lp/3/kmCharged hook/1/boolHookConfigured system/Version lp/1/boolChargePointConfigured
    lp/2/boolChargePointConfigured lp/2/boolSocConfigured lp/1/boolSocConfigured lp/3/boolChargePointConfigured
    lp/4/boolChargePointConfigured lp/5/boolChargePointConfigured lp/6/boolChargePointConfigured
    lp/7/boolChargePointConfigured lp/8/boolChargePointConfigured lp/1/boolDirectModeChargekWh
    lp/2/boolDirectModeChargekWh lp/3/boolDirectModeChargekWh lp/4/boolDirectModeChargekWh
    lp/5/boolDirectModeChargekWh lp/6/boolDirectModeChargekWh lp/7/boolDirectModeChargekWh
    lp/8/boolDirectModeChargekWh lp/1/boolDirectChargeModeSoc lp/2/boolDirectChargeModeSoc
    housebattery/boolHouseBatteryConfigured pv/1/boolPVConfigured pv/2/boolPVConfigured lp/1/strChargePointName
    lp/2/strChargePointName lp/3/strChargePointName lp/4/strChargePointName lp/5/strChargePointName
    lp/6/strChargePointName lp/7/strChargePointName lp/8/strChargePointName lp/1/boolFinishAtTimeChargeActive
    lp/1/boolChargeAtNight lp/2/boolChargeAtNight config/get/pv/nurpv70dynact config/get/pv/nurpv70dynw
    config/get/pv/priorityModeEVBattery global/awattar/boolAwattarEnabled global/awattar/ActualPriceForCharging
    global/awattar/MaxPriceForCharging global/awattar/pricelist lp/1/energyConsumptionPer100km
    lp/2/energyConsumptionPer100km lp/3/energyConsumptionPer100km lp/1/lastRfId lp/2/lastRfId system/lastRfId
    system/randomSleep config/get/pv/lp/1/minSocAlwaysToChargeTo config/get/pv/lp/1/socLimitation
    config/get/sofort/lp/2/socToChargeTo config/get/pv/minBatteryChargePowerAtEvPriority
    config/get/sofort/lp/1/etBasedCharging config/get/pv/startDelay config/get/pv/lp/1/maxSoc
    config/get/pv/regulationPoint config/get/sofort/lp/6/energyToCharge config/get/sofort/lp/7/energyToCharge
    config/get/sofort/lp/5/etBasedCharging config/get/sofort/lp/8/etBasedCharging config/get/pv/boolAdaptiveCharging
    config/get/u1p3p/nachtPhases config/get/sofort/lp/4/energyToCharge config/get/sofort/lp/3/energyToCharge
    config/get/pv/minFeedinPowerBeforeStart config/get/u1p3p/sofortPhases config/get/u1p3p/nurpvPhases
    config/get/sofort/lp/1/socToChargeTo config/get/u1p3p/isConfigured config/get/pv/lp/1/minCurrent
    config/get/sofort/lp/1/energyToCharge config/get/pv/boolShowPriorityIconInTheme
    config/get/sofort/lp/5/energyToCharge config/get/sofort/lp/4/etBasedCharging
    config/get/sofort/lp/1/chargeLimitation config/get/sofort/lp/3/etBasedCharging
    config/get/global/maxEVSECurrentAllowed config/get/pv/stopDelay config/get/pv/lp/1/maxSocToChargeTo
    config/get/pv/chargeSubmode config/get/global/minEVSECurrentAllowed config/get/pv/lp/2/socLimitation
    config/get/pv/maxPowerConsumptionBeforeStop config/get/sofort/lp/6/chargeLimitation
    config/get/sofort/lp/4/chargeLimitation config/get/sofort/lp/2/chargeLimitation
    config/get/sofort/lp/7/chargeLimitation system/priceForKWh config/get/sofort/lp/5/chargeLimitation
    config/get/pv/minCurrentMinPv config/get/pv/lp/2/minCurrent config/get/sofort/lp/2/etBasedCharging
    config/get/sofort/lp/7/etBasedCharging config/get/global/dataProtectionAcknoledged
    config/get/u1p3p/minundpvPhases config/get/pv/socStartChargeAtMinPv config/get/pv/lp/2/maxSoc system/wizzardDone
    config/get/sofort/lp/3/chargeLimitation config/get/sofort/lp/2/energyToCharge
    config/get/pv/adaptiveChargingFactor config/get/sofort/lp/8/energyToCharge
    config/get/sofort/lp/8/chargeLimitation config/get/pv/lp/1/minSocAlwaysToChargeToCurrent
    config/get/sofort/lp/6/etBasedCharging config/get/u1p3p/standbyPhases config/get/pv/socStopChargeAtMinPv
    config/get/pv/minBatteryDischargeSocAtBattPriority config/get/pv/batteryDischargePowerAtBattPriority
    system/Uptime system/Date system/Timestamp lp/4/kWhActualCharged lp/3/kWhChargedSincePlugged
    config/get/SmartHome/Devices/1/mode lp/4/tagScanInfo config/get/sofort/lp/4/current lp/7/AutolockStatus
    housebattery/WhExported lp/5/kWhCounter lp/4/TimeRemaining config/get/sofort/lp/5/current Verbraucher/1/Watt
    lp/7/TimeRemaining lp/2/AutolockStatus lp/7/plugStartkWh Verbraucher/2/DailyYieldImportkWh lp/1/AConfigured
    lp/2/ChargePointEnabled config/get/SmartHome/Devices/9/mode lp/3/ChargePointEnabled lp/3/kWhActualCharged
    lp/6/kWhChargedSincePlugged lp/3/countPhasesInUse lp/8/AutolockConfigured evu/ASchieflast lp/7/boolPlugStat
    lp/5/kWhActualCharged evu/WhExported lp/3/boolPlugStat pv/bool70PVDynStatus lp/5/APhase2 lp/5/APhase3
    lp/1/kWhCounter lp/5/APhase1 pv/MonthlyYieldKwh lp/5/VPhase1 lp/5/VPhase3 lp/5/VPhase2 lp/1/VPhase1 lp/1/VPhase3
    lp/1/VPhase2 lp/2/pluggedladungakt lp/1/ChargeStatus evu/WPhase1 evu/WPhase2 lp/6/AutolockStatus evu/WPhase3
    lp/2/boolChargeStat housebattery/DailyYieldImportKwh Verbraucher/1/WhImported global/DailyYieldHausverbrauchKwh
    global/DailyYieldAllChargePointsKwh evu/DailyYieldImportKwh lp/5/ChargePointEnabled lp/4/AConfigured
    lp/1/AutolockStatus pv/2/MonthlyYieldKwh evu/Hz lp/5/countPhasesInUse lp/6/boolChargeStat
    config/get/SmartHome/Devices/4/mode pv/2/W lp/7/AConfigured lp/8/boolPlugStat lp/2/plugStartkWh
    lp/6/ChargePointEnabled lp/4/ChargePointEnabled Verbraucher/2/WhExported config/get/SmartHome/Devices/2/mode
    lp/2/tagScanInfo lp/2/ChargeStatus lp/8/kWhCounter evu/DailyYieldExportKwh lp/2/boolPlugStat lp/2/AConfigured
    lp/6/countPhasesInUse lp/7/tagScanInfo lp/4/VPhase1 lp/4/VPhase2 lp/4/VPhase3 lp/4/APhase3 Verbraucher/2/Watt
    lp/4/APhase2 lp/4/APhase1 lp/4/countPhasesInUse housebattery/WhImported config/get/sofort/lp/1/current
    lp/6/APhase1 lp/6/APhase3 lp/6/APhase2 lp/1/PfPhase1 lp/2/kWhActualCharged lp/1/PfPhase3 lp/1/PfPhase2
    lp/4/pluggedladungakt lp/7/ChargeStatus lp/2/kWhCounter lp/3/boolChargeStat lp/1/plugStartkWh evu/VPhase1
    evu/VPhase3 evu/VPhase2 lp/8/TimeRemaining lp/3/VPhase3 lp/3/VPhase2 lp/3/VPhase1 lp/1/kWhChargedSincePlugged
    lp/6/TimeRemaining lp/8/kWhActualCharged lp/3/AutolockStatus lp/2/kWhChargedSincePlugged
    config/get/SmartHome/Devices/7/mode lp/3/plugStartkWh lp/5/kWhChargedSincePlugged evu/WAverage
    lp/4/kWhChargedSincePlugged pv/1/WhCounter lp/5/W lp/8/VPhase1 lp/8/VPhase2 lp/8/VPhase3 lp/7/APhase1
    lp/7/APhase2 lp/7/APhase3 lp/4/boolChargeStat lp/5/AutolockStatus config/get/SmartHome/Devices/3/mode
    lp/6/tagScanInfo pv/WhCounter config/get/sofort/lp/6/current lp/8/kWhChargedSincePlugged lp/1/boolPlugStat
    lp/4/W lp/2/VPhase2 lp/2/VPhase3 lp/2/VPhase1 lp/7/VPhase3 lp/7/VPhase2 lp/7/VPhase1 lp/3/tagScanInfo
    lp/5/AConfigured lp/6/kWhActualCharged lp/4/plugStartkWh lp/4/AutolockStatus lp/8/countPhasesInUse
    config/get/SmartHome/Devices/8/mode config/get/SmartHome/Devices/5/mode lp/1/MeterSerialNumber
    lp/4/AutolockConfigured lp/7/AutolockConfigured lp/5/pluggedladungakt lp/3/AConfigured lp/3/AutolockConfigured
    lp/8/AConfigured Verbraucher/2/WhImported lp/7/boolChargeStat lp/3/ChargeStatus lp/7/kWhCounter
    lp/6/ChargeStatus Verbraucher/1/DailyYieldExportkWh lp/8/APhase3 lp/8/APhase2 lp/5/plugStartkWh lp/8/APhase1
    lp/4/ChargeStatus lp/6/plugStartkWh pv/1/YearlyYieldKwh lp/8/AutolockStatus Verbraucher/2/DailyYieldExportkWh
    evu/WhImported lp/8/plugStartkWh lp/8/boolChargeStat lp/5/tagScanInfo lp/1/AutolockConfigured lp/1/tagScanInfo
    lp/1/APhase2 lp/1/APhase3 lp/1/APhase1 pv/1/W lp/1/boolChargeStat lp/7/countPhasesInUse lp/3/kWhCounter
    lp/6/pluggedladungakt pv/DailyYieldKwh lp/1/pluggedladungakt lp/7/pluggedladungakt lp/7/W lp/6/W
    lp/8/ChargePointEnabled lp/5/ChargeStatus config/get/sofort/lp/8/current lp/2/countPhasesInUse
    lp/1/ChargePointEnabled hook/1/boolHookStatus pv/2/YearlyYieldKwh evu/APhase2 evu/APhase3 evu/APhase1
    global/boolRse hook/2/boolHookStatus housebattery/DailyYieldExportKwh lp/7/kWhChargedSincePlugged
    pv/1/MonthlyYieldKwh pv/CounterTillStartPvCharging lp/5/TimeRemaining pv/2/DailyYieldKwh evu/PfPhase1
    evu/PfPhase3 evu/PfPhase2 system/IpAddress Verbraucher/1/DailyYieldImportkWh lp/8/pluggedladungakt
    lp/6/AutolockConfigured lp/1/kWhActualCharged lp/3/pluggedladungakt lp/5/boolPlugStat lp/8/W lp/8/tagScanInfo
    hook/3/boolHookStatus global/kWhCounterAllChargePoints pv/YearlyYieldKwh pv/1/DailyYieldKwh
    lp/7/kWhActualCharged lp/1/countPhasesInUse lp/4/boolPlugStat config/get/sofort/lp/2/current lp/6/boolPlugStat
    lp/2/APhase1 lp/2/APhase3 lp/2/APhase2 lp/6/VPhase2 lp/6/VPhase3 lp/3/APhase1 lp/3/APhase2 lp/6/VPhase1
    lp/3/APhase3 Verbraucher/1/WhExported config/get/SmartHome/Devices/6/mode lp/7/ChargePointEnabled pv/2/WhCounter
    lp/6/AConfigured lp/8/ChargeStatus lp/5/boolChargeStat config/get/sofort/lp/3/current lp/5/AutolockConfigured
    lp/2/AutolockConfigured lp/4/kWhCounter lp/6/kWhCounter config/get/sofort/lp/7/current global/cpuModel
    global/cpuUse global/cpuTemp global/cpuFreq global/memTotal global/memUse global/memFree global/diskUse
    global/diskFree graph/alllivevalues graph/lastlivevalues system/lastlivevalues
"""

ORDER: Final = tuple(_TOPICS.split())
